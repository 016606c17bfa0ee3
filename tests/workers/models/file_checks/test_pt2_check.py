"""A `.pt2` file from anywhere is refused before torch acts on it."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torchao.quantization import Int8DynamicActivationIntxWeightConfig, PerGroup, quantize_

from workers.errors import ModelError
from workers.models.file_checks.pt2_check import check_programs, operators_called
from workers.models.model_source import export
from workers.models.types import ExportedFile

HARM = "__import__('os').mkdir('harm-done')"


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.gelu(self.linear(image), approximate="tanh")


@cache
def saved() -> bytes:
    written = io.BytesIO()
    torch.export.save(torch.export.export(Net().eval(), (torch.ones(2, 4),)), written)
    return written.getvalue()


def with_program(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The archive with another program in it."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved())) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("models/model.json"):
                program = json.loads(content)
                change(program)
                content = json.dumps(program).encode()
            new.writestr(name, content)
    return result.getvalue()


def node(program: dict[str, Any]) -> dict[str, Any]:
    return program["graph_module"]["graph"]["nodes"][-1]


def call(program: dict[str, Any]) -> dict[str, Any]:
    return program["graph_module"]["module_call_graph"][0]["signature"]


def a_callable(program: dict[str, Any]) -> None:
    node(program)["target"] = "torch.os.mkdir"
    node(program)["inputs"] = [{"name": "path", "arg": {"as_string": "harm-done"}, "kind": 1}]


def a_callable_as_an_argument(program: dict[str, Any]) -> None:
    node(program)["inputs"][0]["arg"] = {"as_operator": "torch.os.mkdir"}


def a_file_to_map(program: dict[str, Any]) -> None:
    node(program)["target"] = "torch.ops.aten.from_file.default"
    node(program)["inputs"] = [{"name": "filename", "arg": {"as_string": "harm-done"}, "kind": 1}]


def an_expression_as_a_size(program: dict[str, Any]) -> None:
    values = program["graph_module"]["graph"]["tensor_values"]
    values["image"]["sizes"][0] = {"as_expr": {"expr_str": HARM, "hint": {"as_int": 2}}}


def an_expression_as_a_range(program: dict[str, Any]) -> None:
    program["range_constraints"] = {HARM: {"min_val": 0, "max_val": 4}}


def code_in_a_name(program: dict[str, Any]) -> None:
    call(program)["forward_arg_names"] = [f"image={HARM}"]


def code_in_a_parameter(program: dict[str, Any]) -> None:
    program["graph_module"]["signature"]["input_specs"][0]["parameter"]["parameter_name"] = f"linear[{HARM}]"


def a_module_to_import(program: dict[str, Any]) -> None:
    spec = json.loads(call(program)["in_spec"])
    context = {"default_factory_module": "antigravity", "default_factory_name": "x", "dict_context": "[]"}
    spec[1]["children_spec"][0] = {
        "type": "collections.defaultdict", "context": json.dumps(context), "children_spec": [],
    }  # fmt: skip
    call(program)["in_spec"] = json.dumps(spec)


def an_enum_to_import(program: dict[str, Any]) -> None:
    spec = json.loads(call(program)["in_spec"])
    spec[1]["children_spec"][1]["context"] = json.dumps([{"__enum__": True, "fqn": "antigravity:x.y", "name": "z"}])
    call(program)["in_spec"] = json.dumps(spec)


def a_huge_tensor(program: dict[str, Any]) -> None:
    program["graph_module"]["graph"]["tensor_values"]["linear"]["sizes"] = [{"as_int": 2**20}, {"as_int": 2**20}]


def a_negative_size(program: dict[str, Any]) -> None:
    program["graph_module"]["graph"]["tensor_values"]["linear"]["sizes"] = [{"as_int": -2}, {"as_int": 3}]


@pytest.mark.parametrize(
    "change",
    [a_callable, a_callable_as_an_argument, a_file_to_map, an_expression_as_a_size, an_expression_as_a_range,
     code_in_a_name, code_in_a_parameter, a_module_to_import, an_enum_to_import, a_huge_tensor, a_negative_size],
)  # fmt: skip
def test_a_program_that_asks_for_more_than_operators_is_refused(
    change: Callable[[dict[str, Any]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"^net\.pt2: refused, it"):
        export(ExportedFile(with_program(change), "net.pt2"))
    assert not list(tmp_path.iterdir())


def test_a_program_as_it_was_saved_is_taken() -> None:
    assert export(ExportedFile(with_program(lambda program: None), "net.pt2")).program.graph.nodes


class Capitals(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mT @ x.T.mH


def test_operators_with_capital_letters_are_taken() -> None:
    data = io.BytesIO()
    torch.export.save(torch.export.export(Capitals(), (torch.ones(3, 3),)), data)
    check_programs(data.getvalue())
    assert {"torch.ops.aten.mT.default", "torch.ops.aten.numpy_T.default"} <= operators_called(data.getvalue())


def test_source_text_that_torch_would_run_as_guards_is_dropped() -> None:
    def with_guards(program: dict[str, Any]) -> None:
        program["guards_code"] = [HARM]

    assert export(ExportedFile(with_program(with_guards), "net.pt2")).program._guards_code == []


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved())) as old, zipfile.ZipFile(result, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        root = old.namelist()[0].split("/")[0]
        for name, content in members:
            new.writestr(f"{root}/{name}", content)
    return result.getvalue()


def nested(**compressed: bytes) -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in compressed.items():
            file.writestr(f"inner/{name}", content)
    return inner.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "data, reported",
    [
        (lambda: archive(("data/weights/w", bytes(10**7)), compression=zipfile.ZIP_DEFLATED), "larger than the file"),
        (lambda: archive(("data/x.pt", nested(version=b"3", data=bytes(10**7)))), "larger than the file"),
        (lambda: archive(("../../outside", b"x")), "member of the name"),
        (lambda: archive(("extra/a\nb", b"x")), "member of the name"),
        (lambda: archive(("extra/twice", b"x"), ("extra/twice", b"y")), "two members of one name"),
    ],
)
def test_archives_with_tricks_are_refused(data: Callable[[], bytes], reported: str) -> None:
    with pytest.raises(ModelError, match=reported):
        export(ExportedFile(data(), "net.pt2"))


def saved_4_bits(decomposed: bool) -> ExportedFile:
    """4-bit weights in groups and 8-bit activations by torchao, the way that its users export them."""
    net = torch.nn.Sequential(torch.nn.Linear(64, 8)).eval()
    quantize_(net, Int8DynamicActivationIntxWeightConfig(weight_dtype=torch.int4, weight_granularity=PerGroup(32)))
    program = torch.export.export(net, (torch.ones(2, 64),))
    written = io.BytesIO()
    torch.export.save(program.run_decompositions({}) if decomposed else program, written)
    return ExportedFile(written.getvalue(), "net.pt2")


def test_weights_that_are_objects_are_refused_with_what_to_save_instead() -> None:
    with pytest.raises(ModelError, match=r"access_subclass_inner_tensor.*save program\.run_decompositions"):
        export(saved_4_bits(decomposed=False))


def test_a_program_that_torchao_quantised_is_taken() -> None:
    program = export(saved_4_bits(decomposed=True)).program
    assert program.module()(torch.ones(2, 64)).shape == (2, 8)
