"""Processes that write to one store at once."""

import subprocess
import sys
from pathlib import Path

from support import REPOSITORY, TESTS

WRITER = """
import sys
sys.path[:0] = {path!r}
from support.samples.sample_results import IDENTITY, best, evaluation
from results.store.store import Store

where, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()  # all start at once
with Store.open(where) as store:
    store.identities.register(IDENTITY)
    for number in range(first, last):
        recipe = f"pass-{{number}}"
        one = evaluation(recipe, max(100 - number, 0), program_hash=f"p{{number % 7}}")
        store.evaluations.record(one)
        print(recipe, flush=True)
    store.bests.record(best(recipe, best=one))
"""


def writer(where: Path | str, first: int, last: int) -> subprocess.Popen[str]:
    """A process that records candidates and says so after each one; it starts at a line on its input."""
    code = WRITER.format(path=[str(TESTS), str(REPOSITORY)])
    command = [sys.executable, "-c", code, str(where), str(first), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
