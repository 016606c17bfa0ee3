"""What handling a program costs against compiling it: load, hash, write, passes, Vela; one core, one run.

Load, hash and write together should take 10 ms for 50 operators and 100 ms for 500. That is 0.2 ms an operator. Any
pass is to reach its fixed point in 50 ms for 500 operators.
"""

from __future__ import annotations

import os
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks.speed.timing import milliseconds
from search_space.recipe.space import tosa_passes
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from tuner.paths import cache_folder
from workers.ethos_u.lowering.base_program import load_or_lower
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.output_capture import captured

MODELS = ("mlperf-tiny/ds-cnn", "mlperf-tiny/mobilenet-v1-025", "yolo-head", "vit", "conformer")
TARGET = Target.parse("ethos-u85-256")


def main() -> None:
    table = Table(
        "model",
        "operators",
        "load",
        "hash",
        "write",
        "all three",
        "aim",
        "slowest pass",
        "",
        "Vela",
        "Vela / all three",
    )
    for model in MODELS:
        with captured():
            program = max(load_or_lower(model, TARGET, cache_dir=cache_folder() / "lowered", seed=0).graphs, key=len)
        graph = read_tosa(program)
        operators = sum(1 for _ in graph.operators())
        passes = tosa_passes()
        took = milliseconds(
            {
                "load": partial(read_tosa, program),
                "load and hash": partial(_read_and_hash, program),
                "all": partial(handled, program),
                **{str(one): partial(one.apply, graph) for one in passes},
                "Vela": partial(compile_tosa, program, TARGET),
            }
        )
        slowest = max(map(str, passes), key=took.__getitem__)
        aim = f"{max(10, operators / 5):.0f} ms"
        figures = [
            took["load"], took["load and hash"] - took["load"], took["all"] - took["load and hash"], took["all"],
        ]  # fmt: skip
        table.add_row(
            model, str(operators), *(f"{ms:.1f} ms" for ms in figures), aim,
            slowest, f"{took[slowest]:.1f} ms", f"{took['Vela']:.1f} ms", f"{took['Vela'] / took['all']:.1f}x",
        )  # fmt: skip
    Console(width=150).print(table)


def _read_and_hash(program: bytes) -> str:
    return read_tosa(program).hash


def handled(program: bytes) -> bytes:
    graph = read_tosa(program)
    assert graph.hash
    return write_tosa(graph)


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main()
