"""Who may import whom: search_space and results stand alone, workers know search_space, the tuner knows all three.
velatune, the public face, imports from all four, and none of them from it. Benchmarks import from all of them, and
nothing imports benchmarks or tests. Packages and files of a package import each other in one direction."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {
    "search_space": {"search_space"},
    "results": {"results"},
    "workers": {"workers", "search_space"},
    "tuner": {"tuner", "workers", "search_space", "results"},
    "velatune": {"velatune", "tuner", "workers", "search_space", "results"},
    "benchmarks": {"benchmarks", "velatune", "tuner", "workers", "search_space", "results"},
}
#: What no room imports; `support` and `tests` are test code.
TEST_CODE = {"tests", "support"}
#: Packages that only these places may know.
GUARDED = {
    "optuna": ("tuner/search/samplers/optuna_sampler.py", "tuner/search/studies.py"),
    "ray": ("workers/pool/ray_", "tuner/"),
    "torch": ("workers/",),
    "executorch": ("workers/",),
    "ethosu": ("workers/",),
    "sqlalchemy": ("results/",),
    "fastapi": ("results/service/",),
    "starlette": ("results/service/",),
    "uvicorn": ("results/service/",),
    "prometheus_client": ("results/service/",),
    "hypothesis": ("velatune/testing/",),
}
#: What a family of targets is, only its own packages know, and the face; everything else asks the backend.
FAMILIES = {
    "workers.ethos_u": ("workers/ethos_u/", "tuner/ethos_u/", "velatune/__init__.py", "benchmarks/"),
    "workers.cortex_m": ("workers/cortex_m/", "tuner/cortex_m/", "benchmarks/"),
    "workers.vulkan": ("workers/vulkan/", "benchmarks/"),
}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_what_its_room_may_know(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name in imported(path):
        assert name not in TEST_CODE, f"{place} imports test code"
        if name in ROOMS:
            assert name in ROOMS[place.split("/")[0]], f"{place} imports {name}"
        if name in GUARDED and not place.startswith("benchmarks/"):
            assert place.startswith(GUARDED[name]), f"{name} is not for {place}"


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
PACKAGES = sorted({name.rpartition(".")[0] for name in MODULES} - {""})


def modules_of(path: Path) -> Iterator[str]:
    """Modules of the rooms that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES else node.module for a in node.names
            )


IMPORTS = {name: set(modules_of(path)) & MODULES.keys() for name, path in MODULES.items()}


def part_of(package: str, module: str) -> str | None:
    """The file or package directly in a package that a module is, or is in."""
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else None


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_consists_of_imports_in_one_direction(package: str) -> None:
    sorter = TopologicalSorter[str]()
    for module, imports in IMPORTS.items():
        part = part_of(package, module)
        if part is not None:
            others = {part_of(package, one) for one in imports} - {part, None}
            sorter.add(part, *(one for one in others if one is not None))
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(f"{package} goes round in a circle: {' -> '.join(error.args[1])}")


def test_files_import_each_other_in_one_direction() -> None:
    """Of all rooms, with what `__init__.py` of a package imports: the packages above are asked without it."""
    sorter = TopologicalSorter({name: imports - {name} for name, imports in IMPORTS.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(f"files import each other in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("name", MODULES)
def test_a_family_of_targets_is_known_to_its_own_packages_alone(name: str) -> None:
    place = MODULES[name].relative_to(ROOT).as_posix()
    for family, places in FAMILIES.items():
        known = [one for one in IMPORTS[name] if one == family or one.startswith(f"{family}.")]
        assert not known or place.startswith(places), f"{place} imports {known[0]}"


#: What a folder of Python code holds at most, files and folders together; `__init__.py` and data files do not count.
MOST_ENTRIES = 13


def test_a_folder_is_read_at_a_glance() -> None:
    entries = defaultdict[str, set[str]](set)
    for room in (*ROOMS, "tests"):
        for path in (one.relative_to(ROOT) for one in (ROOT / room).rglob("*.py")):
            for inner, folder in zip((path, *path.parents), path.parents[:-1], strict=False):
                if inner.name != "__init__.py":
                    entries[folder.as_posix()].add(inner.name)
    full = {folder: len(names) for folder, names in entries.items() if len(names) > MOST_ENTRIES}
    assert not full, f"divide by subject: {full}"
