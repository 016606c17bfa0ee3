import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.output_capture import captured, logged_to


def test_captures_every_layer_in_the_order_of_writing() -> None:
    c_library = ctypes.CDLL(None)
    with captured() as printed:
        print("python")  # noqa: T201
        os.write(1, b"descriptor 1\n")
        print("python error", file=sys.stderr)  # noqa: T201
        os.write(2, b"descriptor 2\n")
        os.system("echo child")
        c_library.printf(b"C, buffered\n")
    assert printed.text.splitlines() == [
        "python",
        "descriptor 1",
        "python error",
        "descriptor 2",
        "child",
        "C, buffered",
    ]


def test_nests_and_gives_everything_back_after_an_exception() -> None:
    before = sys.stdout, sys.stderr
    with captured() as outer:
        os.write(1, b"a")
        with pytest.raises(ZeroDivisionError), captured() as inner:
            os.write(1, b"b")
            1 / 0  # noqa: B018
        os.write(1, b"c")
    assert (inner.text, outer.text) == ("b", "ac")
    assert (sys.stdout, sys.stderr) == before


def test_leaves_no_descriptor_behind() -> None:
    def opened() -> set[str]:
        return {entry.name for entry in Path("/proc/self/fd").iterdir()}

    before = opened()
    for _ in range(3):
        with captured():
            os.write(1, b"x")
    assert opened() == before


def test_a_log_handler_made_inside_goes_on_working() -> None:
    script = (
        "import logging\n"
        "from workers.output_capture import captured\n"
        "with captured() as printed:\n"
        "    logging.basicConfig(format='%(message)s')\n"
        "    logging.warning('inside')\n"
        "logging.warning('after ' + printed.text)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr == "after inside\n\n"


def test_appends_to_a_log_and_keeps_the_terminal_clean(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "toolchain.log"
    script = (
        "import os, pathlib\n"
        "from workers.output_capture import logged_to\n"
        "print('before')\n"
        f"with logged_to(pathlib.Path({str(log)!r})):\n"
        "    print('from python'); os.write(2, b'from below\\n')\n"
        "print('after')\n"
    )
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert (ran.stdout, ran.stderr) == ("before\nafter\n", "")
    assert log.read_text() == "from python\nfrom below\n" * 2


def test_a_log_that_cannot_be_written_leaves_the_output_alone(tmp_path: Path) -> None:
    with captured() as printed:
        with pytest.raises(OSError), logged_to(tmp_path):
            pass
        os.write(1, b"still here")
    assert printed.text == "still here"
