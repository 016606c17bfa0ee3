"""Inputs and outputs that lie in memory as NHWC: lowered as such, distinguished, and checked on the right values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from support.evaluators import programs
from support.processes.person import Person

from search_space.ir.graph import MOVE, Graph
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from tuner.cli import cli
from tuner.deploy.best_recipe import best_recipe
from workers.checking.reference import run_reference
from workers.errors import ModelError
from workers.ethos_u.files.pte import interface_of
from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
from workers.ethos_u.lowering.base_program import BaseProgram, exported_model, identify, load_or_lower
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec, to_edge
from workers.ethos_u.target import Target
from workers.evaluator import Evaluator
from workers.models.exported.io_layout import Interface, IoLayout

U55 = Target.parse("ethos-u55-128")
NHWC, NCHW = (0, 2, 3, 1), (0, 1, 2, 3)

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.first = nn.Conv2d(channels, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))

class Pooled(Net):
    '''U55 leaves the average pool between the convolutions to the host.'''
    def forward(self, x):
        return self.last(nn.functional.avg_pool2d(self.first(x), (24, 5)))

class Viewed(Net):
    def forward(self, x):
        return super().forward(x).view(1, -1)

class Pixels(nn.Module):
    '''Only where the channels lie last can they be viewed so.'''
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, x):
        return self.linear(x.permute(0, 2, 3, 1).view(480, 3))

def samples(*shape, form=torch.contiguous_format):
    return [(torch.randn(shape).to(memory_format=form),) for _ in range(2)]

def nchw():
    torch.manual_seed(0)
    data = samples(1, 3, 48, 10)
    return Net(), data[0], data

def nhwc():
    torch.manual_seed(0)
    data = samples(1, 3, 48, 10, form=torch.channels_last)
    return Net(), data[0], data

def weights():
    net, *data = nchw()
    return net.to(memory_format=torch.channels_last), *data

def one_channel():
    torch.manual_seed(0)
    return Net(1), samples(1, 1, 48, 10)[0]

def viewed():
    return Viewed(), samples(1, 3, 48, 10)[0]

def pixels():
    torch.manual_seed(0)
    return Pixels(), samples(1, 3, 48, 10, form=torch.channels_last)[0]

def pooled():
    torch.manual_seed(0)
    return Pooled(), samples(1, 3, 48, 10)[0]

def flat():
    return nn.Linear(4, 4), torch.randn(1, 4)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with nets in `nets.py`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


def base(source: str, layout: IoLayout | None = None, data: Path | None = None) -> BaseProgram:
    return load_or_lower(source, U55, cache_dir=Path("cache"), seed=0, calibration_data=data, io_layout=layout)


def graphs_of(program: BaseProgram) -> list[Graph]:
    return [read_tosa(graph) for graph in program.graphs]


def shapes(graph: Graph) -> list[tuple[int, ...]]:
    return [graph[i].type.shape for i in (*graph.inputs, *graph.outputs)]


def test_models_that_differ_in_strides_alone_are_distinguished(user: Path) -> None:
    nchw, nhwc = base("nets.py:nchw"), base("nets.py:nhwc")
    assert nchw.model_hash != nhwc.model_hash and nchw.key != nhwc.key
    assert (nchw.io_layout, nhwc.io_layout) == ("nchw", "nhwc")
    assert shapes(graphs_of(nchw)[0])[0] == (1, 3, 48, 10), "not the other one's program from the cache"
    assert shapes(graphs_of(nhwc)[0])[0] == (1, 48, 10, 3)


def test_strides_of_weights_are_part_of_a_model(user: Path) -> None:
    """They decide how the outputs of convolutions lie, and with them the program's."""
    plain, turned = base("nets.py:nchw"), base("nets.py:weights")
    assert plain.interface == Interface((NCHW,), (NCHW,))
    assert turned.interface == Interface((NCHW,), (NHWC,))
    assert plain.model_hash != turned.model_hash


@pytest.mark.parametrize("source", ["nets.py:nchw", "nets.py:one_channel"])
def test_nhwc_has_no_transposes_at_its_ends(user: Path, source: str) -> None:
    program = base(source, "nhwc")
    assert str(program.interface) == (
        "inputs and outputs are NHWC: input 0 has dim order 0,2,3,1, output 0 has dim order 0,2,3,1"
    )
    graphs = graphs_of(program)
    assert not [graph[i] for graph in graphs for i in graph.order if graph[i].op == MOVE]
    assert shapes(graphs[0])[0][1:3] == (48, 10) and shapes(graphs[-1])[-1] == (1, 48, 10, 4)


def test_the_option_asks_for_what_a_model_may_have_of_its_own(user: Path) -> None:
    def identified(source: str, layout: IoLayout | None) -> tuple[str, str]:
        found = identify(source, U55, seed=0, io_layout=layout)
        return found.key, found.io_layout

    assert identified("nets.py:nhwc", None) == identified("nets.py:nhwc", "nhwc")
    assert identified("nets.py:nchw", None) == identified("nets.py:nchw", "nchw")
    assert identified("nets.py:nhwc", "nchw")[1] == "nchw"
    assert identified("nets.py:nchw", "nhwc")[0] != identified("nets.py:nchw", None)[0]


def test_the_values_that_a_delegate_is_checked_on_are_those_that_reach_it(user: Path) -> None:
    program = base("nets.py:nchw", "nhwc")
    model = exported_model("nets.py:nchw")
    assert model is not None and model.calibration_inputs is not None
    for index, sample in enumerate(model.calibration_inputs):
        for graph, samples in zip(graphs_of(program), program.calibration_inputs, strict=True):
            assert [a.shape for a in samples[index]] == [graph[i].type.shape for i in graph.inputs]
            (given,) = run_reference(graph, samples[index])
        wanted = model.program.module()(*sample).permute(NHWC).numpy()
        assert given.shape == wanted.shape
        assert np.corrcoef(given.ravel(), wanted.ravel())[0, 1] > 0.99
    outcome = Evaluator(programs(program, "ethos-u55-128", Path("memo"))).evaluate(Recipe.parse("fuse-transposes"))
    assert outcome.status == "ok"
    assert {"kind": "calibration", "count": 2} in outcome.check["inputs"]


def test_calibration_data_lie_as_the_inputs_do(user: Path) -> None:
    """A view of a permuted input works in one layout only."""
    data = user / "data.npy"
    np.save(data, np.random.default_rng(0).normal(size=(1, 3, 48, 10)).astype(np.float32))
    assert base("nets.py:pixels", data=data).graphs and base("nets.py:pixels").graphs


def test_files_can_be_relaid(user: Path) -> None:
    model = exported_model("nets.py:nchw")
    assert model is not None
    torch.export.save(model.program, "float.pt2")
    torch.export.save(quantised_program(model, U55, seed=0).program, "quantised.pt2")
    for file in ("float.pt2", "quantised.pt2"):
        as_it_is, nhwc = (identify(file, U55, seed=0, io_layout=layout) for layout in (None, "nhwc"))  # type: ignore[arg-type]
        assert as_it_is.model_hash != nhwc.model_hash
        assert (as_it_is.io_layout, nhwc.io_layout) == ("nchw", "nhwc")
        assert base(file, "nhwc").interface == Interface((NHWC,), (NHWC,))
    saved = exported_model("nets.py:nchw", "nhwc")
    assert saved is not None
    torch.export.save(saved.program, "nhwc.pt2")
    assert base("nhwc.pt2").interface == Interface((NHWC,), (NHWC,))
    assert base("nhwc.pt2", "nchw").interface == Interface((NCHW,), (NCHW,))


def test_a_program_that_executorch_makes_wrong_is_refused(user: Path) -> None:
    """A portable kernel gives NCHW, and the delegate behind it was compiled for NHWC."""
    assert len(base("nets.py:pooled").graphs) == 2
    with pytest.raises(ModelError, match="hands a delegate NCHW data that it has compiled for NHWC"):
        base("nets.py:pooled", "nhwc")


def test_what_cannot_be_relaid_is_reported(user: Path) -> None:
    Path("net.tosa").write_bytes(base("nets.py:nchw").graphs[0])
    for source, said in (
        ("nets.py:flat", "has no input of rank 4"),
        ("nets.py:viewed", "with --io-layout nhwc.*view.*reshape"),
        ("net.tosa", "needs the PyTorch model"),
    ):
        with pytest.raises(ModelError, match=said):
            identify(source, U55, seed=0, io_layout="nhwc")
        identify(source, U55, seed=0)


@pytest.mark.slow
def test_tuned_looked_up_applied_and_verified(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(user)
    (user / "nets.py").write_text(NETS)
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, person.environment[name])
    options = ("nets.py:nchw", "--target", U55.accelerator, "--store", "store.sqlite")
    nhwc = ("--io-layout", "nhwc")
    said = "inputs and outputs are NHWC: input 0 has dim order 0,2,3,1, output 0 has dim order 0,2,3,1"

    def here(*arguments: str) -> Result:
        """In this process, which has the toolchain loaded."""
        return CliRunner().invoke(cli, arguments)

    _, err = person.types("tune", *options, *nhwc, "--trials", "4", "--jobs", "1", "--out", "out")
    assert said in err
    (page,) = Path("out").glob("nets-*.html")
    assert "NHWC in memory" in page.read_text()
    missed = here("lookup", *options)
    assert missed.exit_code == 4 and "or their layout have changed" in missed.output
    _, err = person.types("tune", *options, "--trials", "4", "--jobs", "1")
    assert "NHWC" not in err
    found = [json.loads(here("lookup", *options, *more, "--json").output)["best"] for more in ((), nhwc)]
    assert [one["io_layout"] for one in found] == ["nchw", "nhwc"]
    assert found[0]["identity"] != found[1]["identity"]
    transposes = [one["default"]["metrics"]["transposes"] for one in found]
    assert transposes[0] > transposes[1] == 0

    out, _ = person.types("apply", *options, *nhwc, "--out", "nhwc.pte")
    assert said in out
    assert interface_of(Path("nhwc.pte").read_bytes(), "nhwc.pte") == Interface((NHWC,), (NHWC,))
    assert "verified" in here("verify", "nhwc.pte", "--store", "store.sqlite").output

    recipe = best_recipe("nets.py:nchw", U55, store="store.sqlite", io_layout="nhwc")
    assert recipe == found[1]["recipe"] == best_recipe("nets.py:nhwc", U55, store="store.sqlite")
    assert recipe.identity == found[1]["identity"]


@pytest.mark.slow
def test_in_a_script_of_one_s_own(user: Path) -> None:
    model = exported_model("nets.py:nhwc")
    assert model is not None
    program = quantised_program(model, U55, seed=0).program
    with apply_recipe("fuse-transposes", U55):
        content = bytes(to_edge(program, ethos_u_compile_spec(U55)).to_executorch().buffer)
    assert interface_of(content, "script") == Interface((NHWC,), (NHWC,))
