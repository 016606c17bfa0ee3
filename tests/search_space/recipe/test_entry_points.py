"""Passes and choices of other packages, found through real entry points in a process of their own."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

_MODULE = """
from dataclasses import dataclass
from typing import ClassVar

from search_space.choices.base import Choice
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.passes.base import Pass
from search_space.choices.frontend.base import FrontendChoice


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


@dataclass(frozen=True)
class OddStage(Mine):
    name: ClassVar[str] = "odd-stage"
    stage: ClassVar[str] = "early"


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


class Inside(FrontendChoice):
    name = "inside"
    alternatives = {"one": "nothing is done"}


class BadAlternative(NoAlternatives):
    name = "bad-alternative"
    alternatives = {"Not A Name": "no recipe can say it"}


def function():
    return None


@dataclass(frozen=True)
class CannotBeMade(Mine):
    name: ClassVar[str] = "cannot-be-made"

    def __post_init__(self):
        raise RuntimeError("not today")


@dataclass(frozen=True)
class Numbered(Mine):
    name: ClassVar[int] = 7


not_a_class = Mine()
"""

_ASK = """
import sys
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
for text in sys.argv[1:]:
    try:
        print(Recipe.parse(text))
    except SpaceError as error:
        print("refused:", error)
print(any(one.name == "mine" for one in tosa_passes()))
"""


def asked(
    folder: Path, entries: str, *recipes: str, script: str = _ASK, module: str = _MODULE
) -> tuple[list[str], list[str]]:
    """Lines on stdout and stderr of a process with a package of these entry points. They say how each recipe is read,
    and whether there is a pass `mine`."""
    (folder / "velatune_extra.py").write_text(module)
    (folder / "velatune_exits.py").write_text("raise SystemExit('it wants no part in this')")
    info = folder / "velatune_extra-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: velatune-extra\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-c", script, *recipes]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_found_and_used_by_recipes(tmp_path: Path) -> None:
    entries = "[velatune.passes]\nx = velatune_extra:Mine\n[velatune.choices]\ny = velatune_extra:Ours\n"
    recipe = "ours=one | mine{depth=3},fold-constants"
    assert asked(tmp_path, entries, recipe) == ([recipe, "True"], [])


_VERSIONS = """
import sys
from search_space.recipe.extensions import extension_versions
print(extension_versions())
print("search_space.choices.convolution" in sys.modules)
"""


def versions(folder: Path, entries: str, module: str = _MODULE) -> dict[str, str]:
    """What an installation with a package of these entry points makes part of its results' identities."""
    lines, _ = asked(folder, entries, script=_VERSIONS, module=module)
    found: dict[str, str] = ast.literal_eval(lines[0])
    return found


def test_extensions_are_part_of_an_identity_by_version_and_source(tmp_path: Path) -> None:
    entries = "[velatune.passes]\na = velatune_no_such_module:A\nb = velatune_extra:Mine\n"
    folders = [tmp_path / name for name in ("one", "again", "changed", "none", "broken")]
    for folder in folders:
        folder.mkdir()
    one, again = (versions(folder, entries) for folder in folders[:2])
    changed = versions(folders[2], entries, _MODULE.replace("depth: int = 2", "depth: int = 3"))
    assert one == again and list(one) == ["velatune-extra"] and one["velatune-extra"].startswith("1.0, source ")
    assert changed.keys() == one.keys() and changed != one
    assert versions(folders[3], "") == versions(folders[4], entries.replace("Mine", "function")) == {}


def test_without_extensions_no_pass_is_imported(tmp_path: Path) -> None:
    # A lookup asks for them. The passes of this project's own families are entry points, too.
    assert asked(tmp_path, "", script=_VERSIONS) == (["{}", "False"], [])
    entries = "[velatune.passes]\nb = velatune_extra:Mine\n"
    (tmp_path / "other").mkdir()
    assert asked(tmp_path / "other", entries, script=_VERSIONS)[0][1] == "True"


def test_what_is_broken_costs_the_others_nothing(tmp_path: Path) -> None:
    entries = "[velatune.passes]\na = velatune_no_such_module:A\nb = velatune_extra:Mine\n"
    lines, warnings = asked(tmp_path, entries, "mine", "fold-constants")
    assert lines == ["mine", "fold-constants", "True"]
    assert len(warnings) == 1


def test_of_two_of_one_name_the_first_is_taken(tmp_path: Path) -> None:
    entries = "[velatune.passes]\nsecond = velatune_extra:Mine\nfirst = velatune_extra:Mine\n"
    lines, warnings = asked(tmp_path, entries, "mine", "second")
    reason = "entry point velatune_extra:Mine (velatune.passes) reuses the name 'mine'"
    assert lines == ["mine", f"refused: pass 'second' cannot be used: {reason}", "True"]
    assert warnings == [f"warning: {reason}; it is left out"]


@pytest.mark.parametrize(
    ("group", "value", "said"),
    [
        ("passes", "velatune_extra:Ours", "velatune_extra:Ours (velatune.passes) is not a subclass of RecipePass"),
        ("choices", "velatune_extra:Mine", "velatune_extra:Mine (velatune.choices) is not a subclass of RecipeChoice"),
        ("passes", "velatune_extra:function", "is not a subclass of RecipePass"),
        ("passes", "velatune_extra:not_a_class", "is not a subclass of RecipePass"),
        ("passes", "search_space.passes.base:Pass", "needs a name of lower-case letters, digits and hyphens"),
        ("passes", "velatune_extra", "is not a subclass of RecipePass"),
        ("passes", "velatune_extra:missing", "does not load"),
        ("passes", "velatune_exits:Mine", "does not load: it wants no part in this"),
        ("passes", "velatune_extra:CannotBeMade", "cannot be read: not today"),
        ("passes", "velatune_extra:Numbered", "cannot be read: "),
        ("passes", "velatune_no_such_module:Mine", "does not load: No module named 'velatune_no_such_module'"),
        ("passes", "velatune_extra:Taken", "reuses the name 'fold-constants'"),
        ("passes", "velatune_extra:Shouting", "needs a name"),
        ("passes", "velatune_extra:Nameless", "needs a name"),
        ("passes", "velatune_extra:Lawless", "needs a law"),
        ("passes", "velatune_extra:Abstract", "does not implement rewrite"),
        ("passes", "velatune_extra:NoDefault", "option depth"),
        ("passes", "velatune_extra:OddOption", "option depth"),
        ("passes", "velatune_extra:OddStage", "has a stage"),
        ("choices", "velatune_extra:NoAlternatives", "has no alternatives"),
        ("choices", "velatune_extra:Inside", "is a choice inside ExecuTorch"),
        ("choices", "velatune_extra:BadAlternative", "'Not A Name'"),
    ],
)
def test_what_is_no_pass_or_choice_is_left_out_with_one_line(tmp_path: Path, group: str, value: str, said: str) -> None:
    named = "x" if group == "passes" else "x=one |"
    (line, with_others, _), warnings = asked(tmp_path, f"[velatune.{group}]\nx = {value}\n", named, "fold-constants")
    reason = f"entry point {value} (velatune.{group}) "
    assert line.startswith("refused: ") and f"'x' cannot be used: {reason}" in line
    assert said in line
    assert with_others == "fold-constants"
    (warning,) = warnings
    assert warning.startswith(f"warning: {reason}") and said in warning


IN_A_PACKAGE = """
from dataclasses import dataclass
from typing import ClassVar

from search_space.passes.base import Pass


@dataclass(frozen=True)
class One(Pass):
    name: ClassVar[str] = "{name}"
    law: ClassVar[str] = "nothing changes"

    def rewrite(self, edit, node_id):
        return False
"""


def test_a_package_gives_its_passes_and_takes_no_name(tmp_path: Path) -> None:
    package = tmp_path / "velatune_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "new.py").write_text(IN_A_PACKAGE.format(name="packaged"))
    (package / "taken.py").write_text(IN_A_PACKAGE.format(name="fold-constants"))
    lines, warnings = asked(tmp_path, "[velatune.passes]\nx = velatune_package\n", "packaged", "fold-constants")
    assert lines[:2] == ["packaged", "fold-constants"]
    (warning,) = warnings
    assert "velatune_package (velatune.passes) reuses the name 'fold-constants'" in warning


def test_what_a_package_gives_is_held_to_what_recipes_can_use(tmp_path: Path) -> None:
    package = tmp_path / "velatune_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "lawless.py").write_text(IN_A_PACKAGE.format(name="no-law").replace("nothing changes", ""))
    (package / "good.py").write_text(IN_A_PACKAGE.format(name="good"))
    lines, warnings = asked(tmp_path, "[velatune.passes]\nx = velatune_package\n", "good", "no-law")
    assert lines[0] == "good" and "'no-law' cannot be used" in lines[1] and "needs a law" in lines[1]
    assert len(warnings) == 1


def test_a_package_with_a_file_that_does_not_load_is_left_out(tmp_path: Path) -> None:
    package = tmp_path / "velatune_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "broken.py").write_text("raise ValueError('not today')\n")
    lines, warnings = asked(tmp_path, "[velatune.passes]\nx = velatune_package\n", "fold-constants")
    assert lines[0] == "fold-constants"
    (warning,) = warnings
    assert "does not load: not today" in warning
