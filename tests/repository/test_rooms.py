"""Who may import whom: search_space and results stand alone, workers know search_space, the tuner knows all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {
    "search_space": {"search_space"},
    "results": {"results"},
    "workers": {"workers", "search_space"},
    "tuner": {"tuner", "workers", "search_space", "results"},
}
#: Packages that only these places may know.
GUARDED = {
    "optuna": ("tuner/",),
    "ray": ("workers/pool/ray_pool.py", "workers/pool/ray_start.py", "tuner/"),
    "torch": ("workers/", "tuner/deploy/ahead_of_time.py"),
    "executorch": ("workers/", "tuner/deploy/ahead_of_time.py"),
    "ethosu": ("workers/",),
    "sqlalchemy": ("results/",),
    "fastapi": ("results/service/",),
    "starlette": ("results/service/",),
    "uvicorn": ("results/service/",),
    "prometheus_client": ("results/service/",),
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
        if name in ROOMS:
            assert name in ROOMS[place.split("/")[0]]
        if name in GUARDED:
            assert place.startswith(GUARDED[name]), f"{name} is not for {place}"
