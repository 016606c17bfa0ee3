"""What people import from `velatune`."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import REPOSITORY

import velatune
from velatune import _MODULES

#: What takes seconds to load.
_SLOW = ("torch", "executorch", "ray", "optuna", "sqlalchemy")


@pytest.mark.parametrize("name", velatune.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    value = getattr(velatune, name)
    assert value.__name__ == name
    assert value.__doc__


def test_names_are_listed_once_and_found() -> None:
    assert sorted(_MODULES) == velatune.__all__ == sorted(set(velatune.__all__))
    assert set(velatune.__all__) <= set(dir(velatune))


def test_type_checkers_know_the_same_names() -> None:
    tree = ast.parse((REPOSITORY / "velatune/__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.name: node.module for node in imports for alias in node.names} == _MODULES


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'best_recipes'"):
        velatune.best_recipes  # noqa: B018
    with pytest.raises(ImportError, match="best_recipes"):
        exec("from velatune import best_recipes")


def loaded_by(statement: str) -> set[str]:
    """Which of the slow modules a process has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*(name for name in {_SLOW} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import velatune",
        "from velatune import Choice, Editor, Graph, Pass, Recipe, Stage",
        "import velatune.testing",
        "from search_space.recipe import registry; registry.passes(); registry.choices()",
    ],
)
def test_importing_loads_nothing_slow(statement: str) -> None:
    assert loaded_by(statement) == set()


PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
ROOMS = ("search_space", "workers", "tuner", "results")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_docs_import_from_here(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module.split(".")[0] not in ROOMS
                if module == "velatune":
                    assert {alias.name for alias in node.names} <= set(velatune.__all__)


def test_without_hypothesis_the_testing_package_says_what_to_install() -> None:
    script = "import sys\nsys.modules['hypothesis'] = None\nimport velatune.testing"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    last = done.stderr.splitlines()[-1]
    assert last == "ImportError: velatune.testing needs Hypothesis; run: pip install 'velatune[testing]'"
