"""Passes and choices of other packages, found through real entry points in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_MODULE = """
from dataclasses import dataclass
from typing import ClassVar

from search_space.choices.base import Choice
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.passes.base import Pass
from search_space.choices.frontend.base import UpstreamChoice


@dataclass(frozen=True)
class Mine(Pass):
    name: ClassVar[str] = "mine"
    law: ClassVar[str] = "nothing is done"
    depth: int = 2

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


class Ours(Choice):
    name = "ours"
    alternatives = {"one": "nothing is done"}

    def apply(self, graph: Graph, alternative: str) -> Graph:
        return graph


@dataclass(frozen=True)
class Taken(Mine):
    name: ClassVar[str] = "fold-constants"


@dataclass(frozen=True)
class Shouting(Mine):
    name: ClassVar[str] = "Mine!"


@dataclass(frozen=True)
class NoDefault(Pass):
    name: ClassVar[str] = "no-default"
    law: ClassVar[str] = "nothing is done"
    depth: int

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


@dataclass(frozen=True)
class OddOption(Mine):
    name: ClassVar[str] = "odd-option"
    depth: float = 0.5


class Nameless(Pass):
    law = "it has no name"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


class Lawless(Pass):
    name = "lawless"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


@dataclass(frozen=True)
class Abstract(Pass):
    name: ClassVar[str] = "abstract"
    law: ClassVar[str] = "it says nothing"


class NoAlternatives(Choice):
    name = "no-alternatives"
    alternatives = {}

    def apply(self, graph: Graph, alternative: str) -> Graph:
        return graph


class Inside(UpstreamChoice):
    name = "inside"
    alternatives = {"one": "nothing is done"}


class BadAlternative(NoAlternatives):
    name = "bad-alternative"
    alternatives = {"Not A Name": "no recipe can say it"}


def function():
    return None


not_a_class = Mine()
"""

_ASK = """
from search_space.recipe import registry
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances
try:
    registry.passes(), registry.choices()
    print(Recipe.parse("ours=one | mine{depth=3},fold-constants"))
    print(any(str(one) == "mine" for one in pass_instances()))
except SpaceError as error:
    print("refused:", error)
"""


def asked(folder: Path, entries: str) -> str:
    """What a process prints that has a package with these entry points installed."""
    (folder / "velatune_extra.py").write_text(_MODULE)
    info = folder / "velatune_extra-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: velatune-extra\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-c", _ASK]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_found_and_used_by_recipes(tmp_path: Path) -> None:
    entries = "[velatune.passes]\nx = velatune_extra:Mine\n[velatune.choices]\ny = velatune_extra:Ours\n"
    assert asked(tmp_path, entries).splitlines() == ["ours=one | mine{depth=3},fold-constants", "True"]


@pytest.mark.parametrize(
    ("group", "value", "said"),
    [
        ("passes", "velatune_extra:Ours", "velatune_extra:Ours (velatune.passes) is not a subclass of Pass"),
        ("choices", "velatune_extra:Mine", "velatune_extra:Mine (velatune.choices) is not a subclass of Choice"),
        ("passes", "velatune_extra:function", "is not a subclass of Pass"),
        ("passes", "velatune_extra:not_a_class", "is not a subclass of Pass"),
        ("passes", "search_space.passes.base:Pass", "is not a subclass of Pass"),
        ("passes", "velatune_extra", "is not a subclass of Pass"),
        ("passes", "velatune_extra:missing", "does not load"),
        ("passes", "velatune_no_such_module:Mine", "does not load: No module named 'velatune_no_such_module'"),
        ("passes", "velatune_extra:Taken", "reuses the name 'fold-constants'"),
        ("passes", "velatune_extra:Shouting", "needs a name"),
        ("passes", "velatune_extra:Nameless", "needs a name"),
        ("passes", "velatune_extra:Lawless", "needs a law"),
        ("passes", "velatune_extra:Abstract", "does not implement rewrite"),
        ("passes", "velatune_extra:NoDefault", "option depth"),
        ("passes", "velatune_extra:OddOption", "option depth"),
        ("choices", "velatune_extra:NoAlternatives", "has no alternatives"),
        ("choices", "velatune_extra:Inside", "is a choice inside ExecuTorch"),
        ("choices", "velatune_extra:BadAlternative", "'Not A Name'"),
    ],
)
def test_what_is_no_pass_or_choice_is_refused_in_one_line(tmp_path: Path, group: str, value: str, said: str) -> None:
    (line,) = asked(tmp_path, f"[velatune.{group}]\nx = {value}\n").splitlines()
    assert line.startswith(f"refused: entry point {value} (velatune.{group}) ")
    assert said in line
