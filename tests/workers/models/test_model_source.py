"""Every way to name a model, and one clear line for every way to get it wrong."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.errors import ModelError
from workers.models.model_source import export, resolve
from workers.models.types import ExportedFile, ExportedModel, SourceModel, TosaFile

GOOD = """
import torch
import neighbour

def plain():
    return torch.nn.Linear(4, 3), (torch.ones(2, 4),)

def calibrated():
    return torch.nn.Linear(4, 3), torch.ones(2, 4), [torch.zeros(2, 4), (torch.ones(2, 4),)]

def training():
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout()).train(), [torch.ones(2, 4)]

def raises():
    raise ValueError("no weights here\\nsecond line")

def leaves():
    raise SystemExit(3)

def nothing():
    pass

def number():
    return 1, 2

def scripted():
    return torch.jit.script(torch.nn.Linear(4, 3)), (torch.ones(2, 4),)

def partly_scripted():
    head = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()))
    return torch.nn.Sequential(torch.nn.Linear(4, 3), head), (torch.ones(2, 4),)

def no_inputs():
    return torch.nn.Linear(4, 3), ()

def no_calibration():
    return torch.nn.Linear(4, 3), (torch.ones(2, 4),), []

def odd_calibration():
    return torch.nn.Linear(4, 3), (torch.ones(2, 4),), [torch.ones(2, 4), "x"]

def wrong_shape():
    return torch.nn.Linear(4, 3), (torch.ones(2, 5),)

class Branching(torch.nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

def branching():
    return Branching(), (torch.ones(3),)

class Item(torch.nn.Module):
    def forward(self, x):
        return x * x.sum().item()

def item():
    return Item(), (torch.ones(3),)

class Forgotten(torch.nn.Module):
    def __init__(self):
        self.scale = 2.0

def forgotten():
    return Forgotten(), (torch.ones(3),)

class OwnTrain(torch.nn.Linear):
    def train(self, mode=True):
        raise RuntimeError("frozen" if not mode else "not frozen")

def own_train():
    return OwnTrain(4, 3), (torch.ones(2, 4),)

not_a_function = 3
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a user has it, and the current one: `nets.py`, a neighbour it imports, and broken files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(GOOD)
    (tmp_path / "neighbour.py").write_text("")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "inside.py").write_text("from . import neighbour\n")
    (tmp_path / "exits.py").write_text("import sys\nsys.exit('usage')\n")
    (tmp_path / "weights.pt").write_bytes(b"x")
    return tmp_path


def message(call: Callable[[], object]) -> str:
    with pytest.raises(ModelError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def saved(module: torch.nn.Module, *inputs: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), inputs), buffer)
    return buffer.getvalue()


def test_a_function_of_a_file(user: Path) -> None:
    for source in ("nets.py:plain", str(user / "nets.py") + ":plain", "nets:plain"):
        model = resolve(source)
        assert isinstance(model, SourceModel)
        assert model.name == source
        assert model.calibration_inputs is None
        assert [i.shape for i in model.example_inputs] == [(2, 4)]


def test_a_function_with_calibration_inputs_may_leave_out_the_tuples(user: Path) -> None:
    model = resolve("nets.py:calibrated")
    assert isinstance(model, SourceModel) and model.calibration_inputs is not None
    assert len(model.example_inputs) == 1
    assert [len(sample) for sample in model.calibration_inputs] == [1, 1]


def test_a_module_is_exported_in_eval_mode(user: Path) -> None:
    source = resolve("nets.py:training")
    assert isinstance(source, SourceModel)
    assert source.module.training
    model = export(source)
    program, (inputs,) = model.program.module(), model.example_inputs
    assert torch.equal(program(inputs), program(inputs))


def test_a_user_s_file_does_not_replace_a_library_of_its_name(user: Path) -> None:
    (user / "torch.py").write_text("def f():\n    import torch\n    return torch.nn.ReLU(), (torch.ones(1),)\n")
    import sys

    with pytest.raises(ModelError):  # inside it, `import torch` finds the real one, already imported
        resolve("torch.py:g")
    assert isinstance(resolve("torch.py:f"), SourceModel)
    assert sys.modules["torch"] is torch
    assert str(user) not in sys.path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("fyre", "did you mean fire"),
        ("mlperf-tiny/dscnn", "did you mean mlperf-tiny/ds-cnn"),
        ("qqqq", "`velatune models`"),
        ("weights.pt", "read from .pt2 and .tosa files"),
        ("net.onnx", "read from .pt2 and .tosa files"),
        ("nets.py", "Write nets.py:FUNCTION"),
        ("inside.py:f", "name it package.module:function"),
        ("nets.py:", "has no function (no name given)"),
        ("nets.py:plane", "did you mean plain"),
        ("nets.py:not_a_function", "has no function not_a_function"),
        (
            "nets.py:forgotten",
            "the module cannot be prepared for torch.export, AttributeError: 'Forgotten' object has no",
        ),
        ("nets.py:raises", "raised ValueError: no weights here (line 15)"),
        ("nets.py:leaves", "raised SystemExit: 3"),
        ("nets.py:nothing", "returned nothing; it must return (module, example_inputs)"),
        ("nets.py:number", "as the module"),
        ("nets.py:scripted", "returned a ScriptModule, which torch.export does not take; return the eager module"),
        ("nets.py:no_inputs", "returned no example inputs; a model without inputs computes a constant"),
        ("nets.py:no_calibration", "empty list of calibration inputs"),
        ("nets.py:odd_calibration", "calibration input 1 is not a tuple of tensors"),
        ("missing.py:f", "missing.py: no such file"),
        ("broken.py:f", "SyntaxError: invalid syntax (broken.py, line 1)"),
        ("needy.py:f", "No module named 'not_installed_anywhere'"),
        ("exits.py:f", "SystemExit: usage"),
        ("no_such_package.nets:f", "no module no_such_package"),
        ("needy:f", "No module named 'not_installed_anywhere'"),
        ("torch.nn:Linear", "missing 2 required positional arguments"),
        ("two words:f", "neither a built-in model nor"),
        ("missing.pt2", "missing.pt2: no such file"),
        ("missing.tosa", "missing.tosa: no such file"),
    ],
)
def test_a_bad_source_is_reported_in_one_line(user: Path, source: str, expected: str) -> None:
    assert expected in message(lambda: resolve(source))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("wrong_shape", "must have same reduction dim, but got [2, 5] X [4, 3]"),
        ("branching", "data-dependent"),
        ("item", "known only when it runs"),
        ("own_train", "the module cannot be prepared for torch.export, RuntimeError: frozen (nets.py, line 68)"),
        ("partly_scripted", "; its part 1 is a ScriptModule: put the eager module in its place"),
    ],
)
def test_a_model_that_does_not_export(
    user: Path, capfd: pytest.CaptureFixture[str], function: str, expected: str
) -> None:
    source = resolve(f"nets.py:{function}")
    assert isinstance(source, SourceModel)
    text = message(lambda: export(source))
    assert text.startswith(f"nets.py:{function}: ")
    assert expected in text
    assert capfd.readouterr() == ("", "")


def test_a_pt2_file(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(saved(torch.nn.Linear(4, 3), torch.ones(2, 4)))
    source = resolve(str(path))
    assert isinstance(source, ExportedFile)
    model = export(source)
    assert isinstance(model, ExportedModel)
    assert torch.equal(model.example_inputs[0], torch.ones(2, 4))
    assert model.calibration_inputs is None


def test_a_pt2_file_with_dynamic_shapes_or_keywords(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    batch = torch.export.Dim("batch")
    dynamic = torch.export.export(torch.nn.ReLU(), (torch.ones(2, 4),), dynamic_shapes=({0: batch},))
    torch.export.save(dynamic, path)
    assert "known only when it runs" in message(lambda: export(ExportedFile(path.read_bytes(), "net.pt2")))
    torch.export.save(torch.export.export(torch.nn.ReLU(), (), {"input": torch.ones(2)}), path)
    assert "keyword inputs (input)" in message(lambda: export(ExportedFile(path.read_bytes(), "net.pt2")))


class Harmful:
    """Pickled: a call that leaves a file behind."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("harm-done",)


def rewritten(data: bytes, **members: bytes) -> bytes:
    """The archive with the members whose names end as given replaced, others added."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            matching = [content for ending, content in members.items() if name.endswith(f"/{ending}.pt")]
            new.writestr(name, matching[0] if matching else old.read(name))
        for ending, content in members.items():
            if not any(name.endswith(f"/{ending}.pt") for name in old.namelist()):
                new.writestr(f"{old.namelist()[0].split('/')[0]}/data/constants/{ending}", content)
    return result.getvalue()


def test_a_pt2_file_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = saved(torch.nn.Linear(4, 3), torch.ones(2, 4))
    tensors = io.BytesIO()
    torch.save((Harmful(),), tensors)
    for harmful in (
        rewritten(data, model=tensors.getvalue()),
        rewritten(data, opaque_obj_0=pickle.dumps(Harmful())),
        rewritten(data, custom_obj_0=pickle.dumps(Harmful())),
    ):
        assert "pickled objects" in message(lambda harmful=harmful: export(ExportedFile(harmful, "net.pt2")))
    assert not (tmp_path / "harm-done").exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_pt2_file_is_an_error_or_still_whole(data: st.DataObject) -> None:
    whole = bytearray(saved(torch.nn.Linear(4, 3), torch.ones(2, 4)))
    cut = data.draw(st.integers(0, len(whole)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[place] ^= data.draw(st.integers(1, 255))
    try:
        model = export(ExportedFile(bytes(whole[:cut]), "net.pt2"))
    except ModelError as error:
        assert str(error).startswith("net.pt2: ") and "\n" not in str(error)
    else:
        assert model.program.graph.nodes


@pytest.mark.parametrize("ending", ["pt2", "tosa"])
def test_files_that_are_nothing_of_the_kind(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"net.{ending}"
    for content in (
        b"",
        b"\0",
        os.urandom(4096),
        b"PK\3\4" + bytes(100),
        b"\x10\0\0\0TOSA" + os.urandom(200),
    ):
        path.write_bytes(content)

        def read() -> object:
            source = resolve(str(path))
            return source if isinstance(source, TosaFile) else export(source)

        assert str(path) in message(read)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in message(lambda: resolve(str(path)))


def test_a_tosa_file(tmp_path: Path, stock: Callable) -> None:  # type: ignore[type-arg]
    path = tmp_path / "net.tosa"
    program = stock("ethos-u85-256").tosa[0]
    path.write_bytes(program)
    assert resolve(str(path)) == TosaFile(program, str(path))
    for length in (8, 100, len(program) // 2, len(program) - 200):
        path.write_bytes(program[:length])
        assert str(path) in message(lambda: resolve(str(path)))
