"""Calibration inputs from anywhere are refused before they do anything."""

import json
import subprocess
import sys
from pathlib import Path

from support.samples.hostile_calibration import good_files, hostile_files

#: Says what is found in each file, then by how many bytes the process has ever been larger than before the first one.
READ = """
import json, pathlib, re, sys
from workers.models.inspect_model import found_in

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

found_in(pathlib.Path("one.npy"))
before = peak()
for name in sys.argv[1:]:
    print(json.dumps(found_in(pathlib.Path(name))))
print(peak() - before)
"""


def found(folder: Path, files: dict[str, bytes]) -> tuple[dict[str, dict[str, object]], int]:
    """What is found in each, and by how much reading them let the process grow."""
    for name, data in ({"one.npy": good_files()["one.npy"]} | files).items():
        (folder / name).write_bytes(data)
    left = set(folder.iterdir())
    *lines, grown = subprocess.check_output([sys.executable, "-c", READ, *files], cwd=folder, text=True).splitlines()
    assert set(folder.iterdir()) == left, "nothing was left behind"
    return dict(zip(files, map(json.loads, lines), strict=True)), int(grown)


def test_what_is_hostile_is_refused_in_one_line_and_little_memory(tmp_path: Path) -> None:
    files = hostile_files()
    reported, grown_bytes = found(tmp_path, files)
    for name, one in reported.items():
        assert list(one) == ["error"], name
        assert str(one["error"]).startswith(f"{name}: ") and "\n" not in str(one["error"])
    assert grown_bytes < 4 * max(map(len, files.values()))


def test_what_is_plain_is_described(tmp_path: Path) -> None:
    reported, _ = found(tmp_path, good_files())
    described = {
        name: ([(one["shape"], one["dtype"]) for one in found["inputs"]], found["samples"])
        for name, found in reported.items()
    }
    assert described == {
        "one.npy": ([([1, 3], "float32")], 1),
        "two.npz": ([([1, 3], "float32"), ([1, 3], "bool")], 1),
        "tensor.pt": ([([1, 3], "float32")], 1),
        "sample.pt": ([([1, 3], "bfloat16"), ([], "int")], 1),
        "samples.pt": ([([3, 1], "float32")], 3),
    }
