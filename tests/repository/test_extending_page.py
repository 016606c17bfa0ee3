"""docs/extending.md: its example works as it is written, and its table of attributes is the schema's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support import REPOSITORY

from benchmarks.lowering.attribute_table import attribute_table
from velatune.testing import PassContract, Program

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCKS = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's package as an installed one: every block that begins with the name of a file is one."""
    folder = tmp_path_factory.mktemp("package")
    for block in BLOCKS:
        name = re.match(r"# ([\w/]+\.\w+)\n", block)
        if name:
            (folder / name[1]).parent.mkdir(exist_ok=True)
            (folder / name[1]).write_text(block)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / "my_passes-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = [
        line
        for group, members in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in members.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(entries) + "\n")
    return folder


def run(package: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package), str(REPOSITORY)])}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=package, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_example_keeps_the_contract(package: Path) -> None:
    said = run(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    tests = [name for name in vars(PassContract) if name.startswith("test_")]
    assert f"\n{len(tests)} passed" in said, said


def test_the_example_is_listed_and_a_part_of_seed_recipes(package: Path) -> None:
    assert "cancel-bitwise-nots\n      not(not(x)) = x" in run(package, "-m", "tuner.cli", "space")
    script = "from search_space.recipe.seed_recipes import seed_recipes\nprint(*seed_recipes())"
    assert run(package, "-c", script).count("cancel-bitwise-nots") == 2


def test_the_example_is_applied(package: Path) -> None:
    p = Program()
    value = p.input(1, 8, 8, 16)
    for _ in range(2):
        value = p.op("BITWISE_NOT", (value,), p.shape(value))
    (package / "net.tosa").write_bytes(p.tosa(p.table(value)))
    said = run(package, "-m", "tuner.cli", "opt", "net.tosa", "--recipe", "cancel-bitwise-nots,table")
    assert "cancel-bitwise-nots: 3 -> 1 operators (BITWISE_NOT 2 -> 0)" in said
    assert "note: table has no site in this program" in said


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.startswith("from ")], ids=lambda one: one.splitlines()[0]
)
def test_the_other_blocks_run(block: str) -> None:
    exec(block, {})


def test_the_table_of_attributes_is_the_schema_s() -> None:
    table = re.search(r"<!-- attributes -->\n(.*)<!-- /attributes -->", PAGE, re.DOTALL)
    assert table and table[1].splitlines() == list(attribute_table()), "run make attributes"
