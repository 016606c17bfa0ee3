"""Lowering: byte for byte what stock ExecuTorch makes, without Vela, and nothing left behind after it."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.incremental_values import Values
from workers.errors import ModelError
from workers.ethos_u.cost.estimates.host_operators import on_cpu
from workers.ethos_u.lowering.lowering import Lowered
from workers.ethos_u.lowering.lowering import lower as lower_model
from workers.ethos_u.lowering.quantise import quantise
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec, to_edge
from workers.ethos_u.stream_check.verdict import stream_verdict
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa
from workers.models.calibration import calibration_for
from workers.models.model_source import export
from workers.models.types import ExportedFile, SourceModel, is_quantised

U55, U65, U85 = (Target.parse(name) for name in ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256"))


class TwoDelegates(nn.Module):
    """U55 leaves the 24x5 average pool between the convolutions to the host; U85 takes it all."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.pool = nn.AvgPool2d((24, 5))
        self.second = nn.Conv2d(8, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.pool(self.first(x).relu()))


class Lookup(nn.Module):
    """An integer input beside a float one."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(16, 8)
        self.linear = nn.Linear(8, 4)

    def forward(self, indices: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return self.linear(self.table(indices)).sum(1) + bias


class TwoTables(nn.Module):
    """Rows of two kinds in one table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 8)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return self.table(first) * self.table(second + 4)


class Branches(nn.Module):
    """A delegate, and control flow that stays on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))


class OnlyHost(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sort()[0]


def seeded(make: Callable[[], nn.Module], *shapes: tuple[int, ...]) -> SourceModel:
    torch.manual_seed(0)
    samples = [tuple(torch.randn(shape) for shape in shapes) for _ in range(3)]
    return SourceModel(make(), samples[0], samples, "net")


def two_delegates() -> SourceModel:
    return seeded(TwoDelegates, (1, 1, 48, 10))


def lookup(calibrated: bool) -> SourceModel:
    torch.manual_seed(0)
    inputs = (torch.tensor([[1, 15, 3]]), torch.randn(1, 4))
    return SourceModel(Lookup(), inputs, [inputs] if calibrated else None, "net")


def lowered(source: SourceModel, target: Target, seed: int = 0, data: Path | None = None) -> Lowered:
    return lower_model(export(source), target, seed=seed, calibration_data=data)


def by_stock_executorch(source: SourceModel, target: Target, folder: Path) -> list[bytes]:
    """The TOSA programs that ExecuTorch writes while it lowers a model down to Vela's command stream."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.backends.arm.quantizer import EthosUQuantizer, get_symmetric_quantization_config
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    assert source.calibration_inputs is not None
    spec = EthosUCompileSpec(target.accelerator).dump_intermediate_artifacts_to(str(folder))
    quantizer = EthosUQuantizer(spec).set_global(get_symmetric_quantization_config(is_per_channel=True))
    module = torch.export.export(source.module.eval(), source.example_inputs).module(check_guards=False)
    prepared = prepare_pt2e(module, quantizer)
    for sample in source.calibration_inputs:
        prepared(*sample)
    program = torch.export.export(convert_pt2e(prepared), source.example_inputs)
    to_edge_transform_and_lower(
        program,
        partitioner=[EthosUPartitioner(spec)],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    return [path.read_bytes() for path in folder.glob("output_tag*.tosa")]


@pytest.mark.parametrize("target", [U55, U85])
def test_the_programs_are_stock_executorch_s(target: Target, tmp_path: Path) -> None:
    mine = lowered(two_delegates(), target)
    assert len(mine.graphs) == (2 if target is U55 else 1)
    assert sorted(mine.graphs) == sorted(by_stock_executorch(two_delegates(), target, tmp_path))
    assert mine.warnings == ()


def names(program: Lowered) -> tuple[str, ...]:
    return tuple(one.name for one in program.host_operators)


def test_host_operators_are_named_in_program_order() -> None:
    quantise_, dequantise = (f"quantized_decomposed.{q}quantize_per_tensor.default" for q in ("", "de"))
    assert names(lowered(two_delegates(), U85)) == (quantise_, dequantise)
    assert names(lowered(two_delegates(), U55)) == (
        quantise_,
        dequantise,
        "aten.avg_pool2d.default",
        quantise_,
        dequantise,
    )


def test_what_reaches_each_delegate_leads_to_the_model_s_outputs() -> None:
    import tosa_reference_model

    source = two_delegates()
    result = lowered(source, U55)
    assert [len(samples) for samples in result.calibration_inputs] == [2, 2]
    for index in range(2):
        values = [
            tosa_reference_model.run(graph, list(samples[index]))[0][0]
            for graph, samples in zip(result.graphs, result.calibration_inputs, strict=True)
        ]
        assert source.calibration_inputs is not None
        with torch.no_grad():
            wanted = source.module(*source.calibration_inputs[index]).numpy()
        assert values[-1].dtype == np.int8
        correlation = np.corrcoef(values[-1].ravel().astype(float), wanted.ravel())[0, 1]
        assert correlation > 0.99
    first, second = (samples[0] for samples in result.calibration_inputs[0])
    assert not np.array_equal(first, second)


def test_integer_inputs_are_kept_integers() -> None:
    result = lowered(lookup(calibrated=True), U85)
    kinds = {(str(array.dtype), array.shape) for array in result.calibration_inputs[0][0]}
    assert kinds == {("int8", (1, 4)), ("int32", (1, 3))}
    indices = next(array for array in result.calibration_inputs[0][0] if array.dtype == np.int32)
    assert indices.tolist() == [[1, 15, 3]]


def test_an_input_that_a_delegate_returns_is_copied() -> None:
    """U55 adds the offset of the second table, and hands the first index on to the host."""
    torch.manual_seed(0)
    rows = torch.tensor([0, 3, 2]), torch.tensor([1, 2, 0])
    program = lowered(SourceModel(TwoTables(), rows, [rows], "net"), U55)
    assert ["returns an input as it is" in warning for warning in program.warnings] == [True]
    with pytest.raises(VelaRefused, match="does not have any writers"):
        compile_tosa(program.graphs[0], U55)
    graph = read_tosa(program.graphs[0])
    compiled = compile_tosa(write_tosa(graph), U55)
    values = on_defined_inputs(Values, graph, (), 0)
    assert stream_verdict(graph, compiled.npu_program, compiled.operators, values).equal


def test_without_calibration_inputs_seeded_random_ones_and_a_warning() -> None:
    source = lookup(calibrated=False)
    one, again, other = (lowered(source, U85, seed=seed) for seed in (1, 1, 2))
    assert "no calibration data" in one.warnings[0] and "seed 1" in one.warnings[0]
    assert one.graphs == again.graphs
    assert one.graphs != other.graphs


def test_u55_and_u65_share_their_programs() -> None:
    assert lowered(two_delegates(), U55).graphs == lowered(two_delegates(), U65).graphs
    assert lowered(two_delegates(), U55).graphs != lowered(two_delegates(), U85).graphs


def test_operators_inside_control_flow_count_as_host_operators() -> None:
    result = lowered(seeded(Branches, (1, 8)), U55)
    assert len(result.graphs) == 1
    assert {"cond", "aten.sin.default", "aten.cos.default"} <= set(names(result))
    assert len(result.calibration_inputs) == 1
    # With the partitioner's reason; of what quantises at the edges it gives none.
    with_reason = {one.name for one in result.host_operators if one.reason}
    assert "aten.sin.default" in with_reason and not any("quantize" in name for name in with_reason)
    assert any(text.startswith("aten.sin.default (") for text in on_cpu(result.host_operators))


def test_a_model_without_work_for_the_npu() -> None:
    with pytest.raises(ModelError, match=r"no operator runs on ethos-u55-128; on the CPU: .*sort\.\w+ \(Not included"):
        lowered(seeded(OnlyHost, (4,)), U55)


_LOWER_A_FILE = """
import sys
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
lower(exported_model(sys.argv[1]), Target.parse("ethos-u55-128"), seed=0)
"""


def test_a_quantised_file_is_not_quantised_again(tmp_path: Path) -> None:
    source = two_delegates()
    model = export(source)
    assert source.calibration_inputs is not None
    program = quantise(model, source.calibration_inputs, ethos_u_compile_spec(U55))
    assert is_quantised(program) and not is_quantised(model.program)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    file = ExportedFile(buffer.getvalue(), "net.pt2")

    result = lower_model(export(file), U55, seed=0)
    expected = lowered(source, U55)
    assert result.graphs == expected.graphs
    assert result.host_operators == expected.host_operators
    assert result.warnings == ()
    (tmp_path / "net.pt2").write_bytes(file.data)
    # In a process of its own: quantising registers in this one what writing needs.
    subprocess.run([sys.executable, "-c", _LOWER_A_FILE, tmp_path / "net.pt2"], check=True)
    np.save(tmp_path / "data.npy", np.zeros((1, 1, 48, 10), np.float32))
    reported = lower_model(export(file), U55, seed=0, calibration_data=tmp_path / "data.npy").warnings
    assert reported == ("the model is already quantised: --calibration-data is not used",)


def test_executorch_is_left_as_it_was_also_after_a_failure() -> None:
    from executorch.backends.arm.ethosu.backend import EthosUBackend
    from torch.fx.traceback import NodeSource

    from workers.ethos_u.lowering.toolchain import shared_provenance, tosa_as_blob

    before = EthosUBackend._compile_tosa_flatbuffer
    threads = torch.get_num_threads()
    lowered(two_delegates(), U85)
    with pytest.raises(ZeroDivisionError), tosa_as_blob(), shared_provenance():
        assert EthosUBackend._compile_tosa_flatbuffer is not before
        raise ZeroDivisionError
    assert EthosUBackend._compile_tosa_flatbuffer is before
    assert "__deepcopy__" not in vars(NodeSource)
    assert torch.get_num_threads() == threads


def test_a_model_that_cannot_be_quantised() -> None:
    class Doubles(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.double() * 2.0

    with pytest.raises(ModelError, match=r"net: cannot be quantised, .*torch\.float64") as caught:
        lowered(seeded(Doubles, (4,)), U55)
    assert "\n" not in str(caught.value)


class Follows(nn.Module):
    """A moving average of the mean."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.level.copy_(0.9 * self.level + 0.1 * x.mean())
        return x * self.level


def test_a_buffer_without_dimensions_is_reported_with_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"buffer without dimensions \(level\); give it shape \[1\]"):
        lowered(seeded(Follows, (1, 8)), U85)
    assert lowered(seeded(lambda: Follows(1), (1, 8)), U85).graphs


def test_a_model_with_numbers_that_are_none() -> None:
    class Unfinished(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.full((4,), torch.nan)

    with pytest.raises(ModelError, match="has it NaN or infinity in its weights, masks or inputs"):
        lowered(seeded(Unfinished, (4,)), U55)


def test_vela_gets_the_same_programs_from_the_same_steps() -> None:
    """The steps that `apply` takes: `quantise`, then `to_edge` with Vela at its end."""
    from workers.ethos_u.lowering.ahead_of_time.tosa_hook import rewrite_tosa

    source = two_delegates()
    assert source.calibration_inputs is not None
    spec = ethos_u_compile_spec(U55)
    program = quantise(export(source), source.calibration_inputs, spec)
    seen: list[bytes] = []

    def note(index: int, tosa: bytes) -> bytes:
        seen.append(tosa)
        return tosa

    with rewrite_tosa(note):
        to_edge(program, spec)
    assert sorted(seen) == sorted(lowered(source, U55).graphs)


EXAMPLE = (torch.zeros(2, 3), torch.tensor([4, 7]))


def save_pt(path: Path) -> None:
    torch.save([(torch.ones(2, 3), torch.tensor([1, 2])), (torch.zeros(2, 3), torch.tensor([3, 4]))], path)


def save_npz(path: Path) -> None:
    np.savez(path, a=np.ones((2, 3)), b=np.array([1, 2], np.int32))


@pytest.mark.parametrize(("name", "save", "count"), [("d.pt", save_pt, 2), ("d.npz", save_npz, 1)])
def test_calibration_files(tmp_path: Path, name: str, save: Callable[[Path], None], count: int) -> None:
    save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not data")
    for path in (tmp_path / name, tmp_path):
        calibration = calibration_for("net", EXAMPLE, [EXAMPLE], path, seed=0)
        assert len(calibration.samples) == count and calibration.warnings == ()
        for sample in calibration.samples:
            assert [tensor.dtype for tensor in sample] == [torch.float32, torch.int64]
        assert torch.equal(calibration.samples[0][0], torch.ones(2, 3))
        assert torch.equal(calibration.samples[0][1], torch.tensor([1, 2]))


def test_random_calibration_stays_within_what_the_example_inputs_span() -> None:
    example = (torch.rand(50) * 255, torch.randint(3, 9, (50,)), torch.zeros(50), torch.rand(50) > 0.5, 7)
    calibration = calibration_for("net", example, None, None, seed=0)
    assert calibration.samples[0] is example
    for image, indices, placeholder, mask, number in calibration.samples[1:]:
        assert image.min() >= example[0].min() and image.max() <= example[0].max() and image.std() > 30
        assert set(indices.tolist()) <= set(range(3, 9)) and indices.dtype == torch.int64
        assert placeholder.std() > 0.5
        assert mask.dtype == torch.bool
        assert number == 7


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("d.pt", (torch.ones(2, 3),), "has 1 inputs, the model takes 2"),
        ("d.pt", (torch.ones(3, 3), torch.tensor([1, 2])), r"input 0 has shape \[3, 3\]"),
        ("d.pt", (torch.ones(2, 3), torch.ones(2)), "input 1 is torch.float32, the model takes torch.int64"),
        ("d.pt", (torch.ones(2, 3) * 1j, torch.tensor([1, 2])), "input 0 is torch.complex64, the model takes"),
        ("d.pt", (torch.ones(2, 3), "x"), "input 1 is a str, the model takes a tensor"),
        ("d.pt", {"a": 1}, "holds a dict"),
        ("d.pt", Path("pickled as an object"), "plain tensors only"),
        ("d.npy", np.array([object()]), "not readable"),
        ("d.pt", None, "not readable"),
        ("d.npz", None, "not readable"),
        ("d.npy", None, "not readable"),
        ("d.csv", None, "must be one of .pt"),
    ],
)
def test_bad_calibration_files(tmp_path: Path, name: str, content: object, expected: str) -> None:
    path = tmp_path / name
    if content is None:
        path.write_bytes(b"PK\3\4 and then nothing")
    elif isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    else:
        torch.save(content, path)
    with pytest.raises(ModelError, match=expected) as caught:
        calibration_for("net", EXAMPLE, None, path, seed=0)
    assert "\n" not in str(caught.value)


def test_missing_calibration_data(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        calibration_for("net", EXAMPLE, None, tmp_path / "missing", seed=0)
    with pytest.raises(ModelError, match="no file in it ends in"):
        calibration_for("net", EXAMPLE, None, tmp_path, seed=0)
    with pytest.raises(ModelError, match="net: calibration input 1: has 1 inputs"):
        calibration_for("net", EXAMPLE, [EXAMPLE, EXAMPLE[:1]], None, seed=0)
