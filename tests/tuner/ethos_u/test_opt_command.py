"""`velatune opt`"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result

from search_space.errors import SpaceError
from search_space.ir.editor import Editor
from search_space.ir.graph import INPUT, Graph, Node, TensorType
from search_space.ir.printer import print_graph
from search_space.passes.base import Pass
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from tuner.cli import cli
from tuner.ethos_u.optimise import read_program
from velatune.testing import Program
from workers.errors import ModelError


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["opt", *map(str, arguments)])


def refused(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, (ModelError, SpaceError)), result.output
    (line,) = str(result.exception).splitlines()
    return line


@pytest.fixture
def program() -> Graph:
    """Two transposes that cancel around a table, and a sum of rows."""
    p = Program()
    turned = p.transpose(p.table(p.transpose(p.input(1, 4, 6, 8), 0, 2, 3, 1)), 0, 3, 1, 2)
    return p.graph(p.sum(turned, 2))


@pytest.fixture
def file(program: Graph, tmp_path: Path) -> Path:
    path = tmp_path / "small.tosa"
    path.write_bytes(write_tosa(program))
    return path


def test_says_what_changed(file: Path) -> None:
    result = run(file, "--recipe", "sink-transposes,fuse-transposes")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "sink-transposes: 6 -> 4 operators (TRANSPOSE 2 -> 0)",
        "in all: 6 -> 4 operators (TRANSPOSE 2 -> 0)",
    ]
    assert result.stderr.splitlines() == ["note: fuse-transposes has no site in this program"]


def test_prints_the_program_before_and_after(file: Path) -> None:
    before = read_tosa(file.read_bytes())
    after = Recipe.parse("sink-transposes").apply(before)
    result = run(file, "--recipe", "sink-transposes", "--print")
    assert result.stdout == f"before\n{print_graph(before)}\nafter\n{print_graph(after)}"


def test_writes_the_program(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "there" / "after.tosa"
    assert run(file, "--recipe", "sink-transposes", "--out", out).exit_code == 0
    expected = Recipe.parse("sink-transposes").apply(read_tosa(file.read_bytes()))
    assert read_tosa(out.read_bytes()).hash == expected.hash


def test_the_default_recipe_changes_nothing(file: Path) -> None:
    result = run(file, "--recipe", "default")
    assert (result.stdout, result.stderr) == ("in all: 6 -> 6 operators\n", "")


def test_what_changes_nothing_is_noted_with_the_reason(file: Path) -> None:
    recipe = "conv1d=along-h | merge-slices,table,sum-as-depthwise@7"
    notes = run(file, "--recipe", recipe).stderr.splitlines()
    assert notes == [
        "note: conv1d=along-h changes nothing in this program",
        "note: merge-slices has no site in this program",
        "note: table has no site in this program",
        "note: sum-as-depthwise@7 changes nothing in this program: it has 1 site there",
    ]


def test_sites_by_price_ask_for_a_target(file: Path) -> None:
    line = refused(file, "--recipe", "sink-transposes,sum-as-depthwise@profitable")
    assert line.startswith("sum-as-depthwise@profitable finds its sites by their price") and "--target" in line
    assert run(file, "--recipe", "sum-as-depthwise@profitable", "--target", "ethos-u55-128").exit_code == 0


def test_a_choice_inside_executorch_is_refused(file: Path) -> None:
    assert "decided inside ExecuTorch" in refused(file, "--recipe", "host-function=table |")


@dataclass(frozen=True)
class Raises(Pass):
    name: ClassVar[str] = "raises"
    law: ClassVar[str] = "it expects no sum"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        raise KeyError("no such thing")


@dataclass(frozen=True)
class Breaks(Pass):
    name: ClassVar[str] = "breaks"
    law: ClassVar[str] = "a table without its table"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "TABLE" or len(node.inputs) < 2:
            return False
        edit.redefine(node_id, Node(node.op, node.inputs[:1], node.type))
        return True


@pytest.mark.parametrize(
    ("broken", "said"),
    [(Raises, "raises fails, KeyError: 'no such thing' ("), (Breaks, "after breaks: ill-formed graph: TABLE")],
)
def test_a_broken_pass_is_named(file: Path, broken: type[Pass], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.passes()
    monkeypatch.setattr(registry, "passes", lambda: {**known, broken.name: broken})
    line = refused(file, "--recipe", f"sink-transposes,{broken.name}")
    assert line.startswith(said)
    assert (Path(__file__).name in line) == (broken is Raises)


def large() -> bytes:
    node = Node(INPUT, (), TensorType((1 << 15, 1 << 15), "INT8"))
    return write_tosa(Graph({0: node}, (0,), (0,), 1))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.tosa", None, "no such file"),
        ("empty.tosa", b"", "the file is empty"),
        ("bad.tosa", b"nothing", "is not a TOSA flatbuffer"),
        ("model.pt2", b"nothing", "is no .tosa"),
        ("large.tosa", large(), "refused, it has a tensor of 32768 x 32768"),
    ],
)
def test_a_file_that_is_no_program_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    line = refused(tmp_path / name, "--recipe", "sink-transposes")
    assert name in line and said in line


def test_an_ill_formed_program_is_refused(program: Graph, tmp_path: Path) -> None:
    nodes = dict(program.nodes)
    (table,) = (i for i, node in nodes.items() if node.op == "TABLE")
    nodes[table] = Node("TABLE", nodes[table].inputs[:1], nodes[table].type)
    path = tmp_path / "ill.tosa"
    path.write_bytes(write_tosa(Graph(nodes, program.inputs, program.outputs, program.next_id)))
    with pytest.raises(SpaceError, match=r"ill\.tosa: .*TABLE"):
        read_program(path)
