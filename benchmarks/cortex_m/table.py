"""What a search brings on Cortex-M, model by model: `python -m benchmarks.cortex_m.table [--models NAME]...`

Searches each model for both classes of processors, in one process, and writes the table into docs/cortex-m.md. Rows of
models that were not asked for stay as they are. So the table can be made in parts. `--again` searches nothing: it
lowers and prices the recipes that the page names, as they are priced now.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from benchmarks.markdown import row
from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.paths import cache_folder
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import Tuned, tune
from workers import tasks
from workers.backend.cost import Numbers
from workers.backend.job import Job
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.base.base_program import CortexMBase
from workers.cortex_m.target import InstructionSet, Target
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout

_PAGE = Path(__file__).parents[2] / "docs" / "cortex-m.md"
_MARKED = re.compile(r"(?<=<!-- models -->\n).*?(?=<!-- /models -->)", re.DOTALL)
_ROW = re.compile(r"^\| `([^`]+)` \|.*$", re.MULTILINE)
_BEST = re.compile(r"best: `([^`]+)`")

#: Name in the table -> model source.
MODELS = {
    "silero-vad": "silero-vad",
    "silero convolutions": "benchmarks.cortex_m.models:load_silero_convolutions",
    "wav2letter, small": "benchmarks.cortex_m.models:load_wav2letter",
    "ds-cnn": "mlperf-tiny/ds-cnn",
    "resnet8": "mlperf-tiny/resnet8",
    "mobilenet-v1-025": "mlperf-tiny/mobilenet-v1-025",
    "deep-autoencoder": "mlperf-tiny/deep-autoencoder",
    "yolo block": "benchmarks.cortex_m.models:load_yolo",
    "mobilenet-v2-035": "benchmarks.cortex_m.models:load_mobilenet_v2",
}
#: Models of images. The default pipeline quantises them in channels_last order alone, so all rows have them so.
_IMAGES = frozenset({"ds-cnn", "resnet8", "mobilenet-v1-025", "yolo block", "mobilenet-v2-035"})
_NUMBERS = ("instructions", "SRAM, bytes", "file, bytes", "transposes", "float operators", "uncosted")
_METRICS = ("instructions", "sram_bytes", "flash_bytes", "transposes", "float_operators", "uncosted")


@click.command()
@click.option("--models", multiple=True, type=click.Choice(list(MODELS)), help="may be repeated  [default: all]")
@click.option("--trials", type=click.IntRange(1), default=40, show_default=True, help="candidates per model and class")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="seconds of search per model and class")
@click.option("--again", is_flag=True, help="no search: price the recipes of the page anew")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=_PAGE, help="page with the table")
def cortex_m_table(models: tuple[str, ...], trials: int, timeout: float | None, again: bool, out: Path) -> None:
    """Search MODELS and write the table. All numbers are predicted."""
    tasks.warm_up()
    for name in models or MODELS:
        for one in InstructionSet:
            layout: IoLayout | None = "nhwc" if name in _IMAGES else None
            job = Job(MODELS[name], Target.counted(one), cache_folder(), seed=0, io_layout=layout)
            page = out.read_text(encoding="utf-8")
            known = {heading: _rows(text) for heading, text in _sections(page).items()}
            rows = known.setdefault(one.name, {})
            if again:
                rows[name] = list(_priced_again(name, job, _recipe(rows.get(name, ()))))
            else:
                rows[name] = list(_description(name, job, Budget(trials, timeout)))
            out.write_text(_MARKED.sub(lambda _, known=known: _table(known), page), encoding="utf-8")  # type: ignore[misc]


def _description(name: str, job: Job, budget: Budget) -> Iterator[str]:
    """The lines of a model on a target."""
    found = _searched(job, budget)
    if isinstance(found, ModelError):
        yield from row(f"`{name}`", "nothing", *("" for _ in _NUMBERS), f"{found}")
        return
    base, best = found.base, found.best
    assert isinstance(base, CortexMBase)
    yield from _default_pipeline(name, base)
    yield from row(f"`{name}`", "explicit layouts", *_numbers(best.default.figures), _verdict(best.default_fault))
    yield from row(f"`{name}`", f"best: `{best.recipe}`", *_numbers(best.best.figures), "pass")


def _priced_again(name: str, job: Job[Target], recipe: str) -> Iterator[str]:
    """The lines of a model on a target, with the best recipe that is known."""
    base = BACKEND.lower(job)
    assert isinstance(base, CortexMBase)
    programs = BACKEND.programs(job, base)
    yield from _default_pipeline(name, base)
    for lowering, text in (("explicit layouts", "default"), (f"best: `{recipe}`", recipe)):
        program = programs.by(Recipe.parse(text))
        fault = programs.executed(program, whole=True, on_all=True, is_default=text == "default").reason
        yield from row(f"`{name}`", lowering, *_numbers(programs.cost(program)), _verdict(fault))


def _recipe(lines: Sequence[str]) -> str:
    """The best recipe that the lines of a model name."""
    found = _BEST.search("\n".join(lines))
    if found is None:
        raise click.ClickException("the page names no best recipe of this model: run without --again")
    return found[1]


def _default_pipeline(name: str, base: CortexMBase) -> Iterator[str]:
    pipeline = base.default_pipeline
    numbers = ["" if pipeline.fault else f"{getattr(pipeline, name):,}" for name in _METRICS]
    yield from row(f"`{name}`", "default pipeline", *numbers, _verdict(pipeline.fault))


def _verdict(fault: str) -> str:
    """What is wrong, without advice: the best recipe is the advice."""
    return fault.partition(";")[0].removeprefix("it ") or "pass"


def _searched(job: Job, budget: Budget) -> Tuned | ModelError:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.sqlite") as store:
        context = TuningContext(OwnProcess(), store, Path(folder) / "studies", Progress([job]))  # type: ignore[arg-type]
        try:
            return asyncio.run(tune(job, Objective(), budget, context))
        except ModelError as error:
            return error


def _numbers(of: Numbers | None) -> list[str]:
    return ["" if of is None else f"{of[name]:,}" for name in _METRICS]


def _sections(page: str) -> dict[str, str]:
    """Name of a class of processors -> what the page has under it."""
    marked = _MARKED.search(page)
    if marked is None:
        raise click.ClickException("the page has no lines <!-- models --> and <!-- /models -->")
    pieces = re.split(r"^### (\w+).*$", marked[0], flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _rows(text: str) -> dict[str, list[str]]:
    """Model -> its lines."""
    rows: dict[str, list[str]] = {}
    for found in _ROW.finditer(text):
        rows.setdefault(found[1], []).append(found[0])
    return rows


def _table(known: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    lines: list[str] = []
    for one in InstructionSet:
        lines += [f"### {one.name}, counted on {Target.counted(one).label}", ""]
        lines += row("model", "lowering", *_NUMBERS, "guards", header=True)
        lines += [line for name in MODELS for line in known.get(one.name, {}).get(name, ())]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    cortex_m_table()
