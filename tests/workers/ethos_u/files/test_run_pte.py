"""Whole `.pte` files: host operators and control flow against ExecuTorch's own runtime, delegates in their places."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.programs.lowered import Lowered

from search_space.tosa_file.reader import read_tosa
from workers.checking.reference import run_reference
from workers.errors import ModelError
from workers.ethos_u.files.run_pte import PteProgram, run_pte
from workers.ethos_u.npu_model import NpuProgram

Stock = Callable[[str], Lowered]


def exported(module: torch.nn.Module, *inputs: Any, partitioner: Any = (), **options: Any) -> bytes:
    """A module's `.pte`. options: of `torch.export.export`."""
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(module.eval(), inputs, **options)
    return bytes(to_edge_transform_and_lower(program, partitioner=list(partitioner)).to_executorch().buffer)


def by_executorch(pte: bytes, *inputs: Any) -> list[np.ndarray]:
    """What ExecuTorch's runtime, which has no Ethos-U backend here, makes of a program."""
    from executorch.extension.pybindings.portable_lib import _load_for_executorch_from_buffer

    outputs = _load_for_executorch_from_buffer(pte).run_method("forward", inputs)
    return [one.numpy() if isinstance(one, torch.Tensor) else np.asarray(one) for one in outputs]


def assert_same(pte: bytes, *inputs: torch.Tensor) -> None:
    expected = by_executorch(pte, *inputs)
    found = PteProgram(pte, "x.pte").run([one.numpy() for one in inputs])
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


class Operators(torch.nn.Module):
    """Outputs in lists and tuples, scalars, views, types, constants."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 6)
        self.table = torch.nn.Embedding(4, 8)

    def forward(self, values: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = torch.nn.functional.gelu(self.linear(values + self.table(rows)))
        first, second = torch.split(x.reshape(2, -1, 3), 1)
        most, where = torch.topk(x, 2)
        picked = torch.where(x > 0, x, -x).clamp(0.1, 0.7)
        return first, second.unsqueeze(0), most, where, picked.sum(-1, keepdim=True), rows == 1, picked.to(torch.int32)


def test_operators_give_what_executorch_s_runtime_gives() -> None:
    inputs = torch.randn(4, 8), torch.tensor([0, 3, 1, 1])
    assert_same(exported(Operators(), *inputs), *inputs)


def test_a_convolution_of_an_image_whose_channels_are_last_in_memory() -> None:
    convolution = torch.nn.Conv2d(3, 5, 3, padding=1).to(memory_format=torch.channels_last)
    image = torch.randn(1, 3, 6, 7).to(memory_format=torch.channels_last)
    assert_same(exported(convolution, image), image)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_branch(sign: float) -> None:
    class Branches(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = torch.cond(x.sum() > 0, lambda y: y * 2, lambda y: y - 1, (x,))
            return found + 1

    x = sign * torch.rand(3, 4)
    assert_same(exported(Branches(), x), x)


def test_a_loop() -> None:
    from functorch.experimental.control_flow import map as torch_map

    class Loops(torch.nn.Module):
        def forward(self, rows: torch.Tensor, one: torch.Tensor) -> torch.Tensor:
            return torch_map(lambda row, other: row * other + 1, rows, one)

    inputs = torch.randn(4, 3), torch.randn(3)
    assert_same(exported(Loops(), *inputs), *inputs)


def test_other_sizes_where_the_program_is_dynamic() -> None:
    class Dynamic(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, x * x.shape[0]]).reshape(-1)

    shapes = {"x": {0: torch.export.Dim("rows", min=2, max=9)}}
    pte = exported(Dynamic(), torch.randn(9, 3), dynamic_shapes=shapes)
    for rows in (2, 5, 9):
        assert_same(pte, torch.randn(rows, 3))
    with pytest.raises(ModelError, match=r"^x\.pte: input 0 is float32\[10, 3\], it takes float32\[9, 3\]"):
        PteProgram(pte, "x.pte").run([np.zeros((10, 3), np.float32)])


class Counts(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.tensor([3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.add_(1)
        return x + self.seen


def test_state_begins_with_what_the_file_says_in_each_run() -> None:
    from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
    from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

    program = to_edge_transform_and_lower(torch.export.export(Counts(), (torch.zeros(1),)))
    configuration = ExecutorchBackendConfig(passes=[InitializedMutableBufferPass(["seen"])])
    pte = PteProgram(bytes(program.to_executorch(configuration).buffer), "counts")
    for _ in range(2):
        (found,) = pte.run([np.float32([10])])
        assert found == 14


def test_a_number_is_taken_as_it_was_exported() -> None:
    class Repeats(torch.nn.Module):
        def forward(self, x: torch.Tensor, count: int, twice: bool) -> torch.Tensor:
            return x.repeat(count) * (2 if twice else 1)

    pte = PteProgram(exported(Repeats(), torch.zeros(2), 3, True), "repeats")
    assert [one.value for one in pte.inputs()] == [None, 3, True]
    (found,) = pte.run([np.float32([1, 2]), np.asarray(3), np.asarray(True)])
    assert found.tolist() == [2, 4, 2, 4, 2, 4]
    with pytest.raises(ModelError, match=r"^repeats: input 1 is 4, it was exported for 3 and takes no other$"):
        pte.run([np.float32([1, 2]), np.asarray(4), np.asarray(True)])


def test_each_method_is_run_by_its_name() -> None:
    from executorch.exir import to_edge_transform_and_lower

    methods = {name: torch.export.export(one, (torch.zeros(3),)) for name, one in (("up", Up()), ("down", Down()))}
    pte = PteProgram(bytes(to_edge_transform_and_lower(methods).to_executorch().buffer), "two")
    assert set(pte.methods) == {"up", "down"}
    for name, expected in (("up", [2, 3, 4]), ("down", [0, 1, 2])):
        (found,) = pte.run([np.float32([1, 2, 3])], name)
        assert found.tolist() == expected


class Up(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class Down(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - 1


def test_inputs_that_are_not_the_program_s_are_refused() -> None:
    pte = PteProgram(exported(torch.nn.ReLU(), torch.zeros(1, 4)), "relu")
    for inputs, reported in (
        ([], "it takes 1 inputs, not 0"),
        ([np.zeros((1, 4))], r"input 0 is float64\[1, 4\], it takes float32\[1, 4\]"),
        ([np.zeros((4, 1), np.float32)], r"input 0 is float32\[4, 1\], it takes float32\[1, 4\]"),
    ):
        with pytest.raises(ModelError, match=f"^relu: {reported}$"):
            pte.run(inputs)
    with pytest.raises(ModelError, match=r"^relu: it has no method backward, only forward$"):
        pte.run([np.zeros((1, 4), np.float32)], "backward")


def test_an_operator_that_is_none_of_executorch_s_is_refused_by_name() -> None:
    """Even if PyTorch has one of that name, such as one that makes files."""
    for name in (b"aten::from_fil", b"aten::no_such_"):
        pte = exported(torch.nn.Softmax(-1), torch.zeros(1, 4)).replace(b"aten::_softmax", name)
        with pytest.raises(ModelError, match=f"^x: its operator {name.decode()}.out is none of ExecuTorch's kernels$"):
            PteProgram(pte, "x").run([np.zeros((1, 4), np.float32)])


def tosa_in_place(lowered: Lowered) -> Any:
    """Runs a delegate's TOSA program in place of its command stream."""

    def run(number: int, program: NpuProgram, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return run_reference(read_tosa(lowered.tosa[number]), [one[0] for one in inputs])

    return run


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_delegates_run_in_their_places(accelerator: str, stock: Stock, quantized: Callable[[str], Any]) -> None:
    lowered = stock(accelerator)
    image = torch.randn(1, 3, 16, 16)
    pte = PteProgram(lowered.pte, "stock")
    (expected,) = pte.run([image.numpy()], run_delegate=tosa_in_place(lowered))
    (found,) = pte.run([image.numpy()])
    np.testing.assert_array_equal(found, expected)
    # TOSA rounds where the quantised PyTorch program computes in floating point.
    by_pytorch = quantized(accelerator).module(check_guards=False)(image).detach().numpy()
    assert np.abs(found - by_pytorch).max() < 3.5 * np.diff(np.unique(by_pytorch)).min()


def test_a_damaged_file_is_refused_in_one_line(stock: Stock) -> None:
    """Bytes of what the reader of flatbuffers does not check, and of what the delegates' blobs have."""
    pte = stock("ethos-u55-128").pte
    random = np.random.default_rng(0)

    def nothing(number: int, program: NpuProgram, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.zeros(one.bytes, np.uint8) for one in program.outputs]

    refused = 0
    for _ in range(60):
        damaged = bytearray(pte)
        damaged[random.integers(64, len(pte))] = random.integers(256)
        try:
            PteProgram(bytes(damaged), "x.pte").run([np.zeros((1, 3, 16, 16), np.float32)], run_delegate=nothing)
        except ModelError as error:
            assert str(error).startswith("x.pte: ") and str(error).isprintable()
            refused += 1
    assert refused > 10


def test_a_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"missing\.pte: cannot be read"):
        run_pte(tmp_path / "missing.pte", [])
