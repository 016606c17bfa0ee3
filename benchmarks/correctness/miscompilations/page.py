"""The page about what Vela compiles wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.correctness.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.correctness.miscompilations.miscompilation import FAMILIES, Miscompilation, Observed, graph
from benchmarks.markdown import row
from benchmarks.predictions.vela_versions.compile_with import VERSIONS, compile_with
from search_space.ir.graph import Graph
from search_space.ir.printer import print_graph
from search_space.tosa_file.writer import write_tosa
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused

#: One accelerator of each family; what is wrong on one is wrong on all of it.
TARGETS = {
    family: Target.parse(name)
    for family, name in zip(FAMILIES, ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256"), strict=True)
}

_HEAD = f"""# What Vela compiles wrongly

Written by `make miscompilations`; do not edit. Each kind is shown on the smallest program, in TOSA 1.0
(`benchmarks/correctness/miscompilations/`). Each is compiled with Vela {" and ".join(VERSIONS)}, for
{", ".join(target.accelerator for target in TARGETS.values())}. What is wrong on one accelerator is wrong on all of
its family. *Stream* is what the registers of the command stream say, without anything being executed. Paths are below
`ethosu/regor` in Vela's published source. velatune uses Vela {VERSIONS[0]} alone.

"""


def page() -> str:
    """The page in Markdown, with what every stream shows now."""
    lines = [_HEAD, *_overview()]
    for number, one in enumerate(MISCOMPILATIONS, 1):
        lines += ["", f"## {number}. {one.name}", "", *_section(one)]
    return "\n".join(lines) + "\n"


def observe(one: Miscompilation, program: Graph, version: str, target: Target) -> Observed | None:
    """What the program's stream shows; None if the target does not take the program.

    Raises VelaCrashed, LookupError: as `compile_with`.
    """
    try:
        return one.observe(compile_with(version, write_tosa(program), target))
    except VelaRefused:
        return None


def _overview() -> Iterator[str]:
    """Wrong in which version, on which family."""
    yield from row("", "kind", *(f"Vela {version}" for version in VERSIONS), header=True)
    for number, one in enumerate(MISCOMPILATIONS, 1):
        families = (", ".join(one.affected[version]) or "right" for version in VERSIONS)
        yield from row(str(number), one.summary, *families)


def _section(one: Miscompilation) -> Iterator[str]:
    yield f"{one.summary}\n"
    yield f"**Program**\n\n```\n{print_graph(graph(one.make))}```\n"
    yield "**Stream**\n"
    yield from row("Vela", "family", "stream", "", header=True)
    for version in VERSIONS:
        seen: dict[Observed, list[str]] = {}
        for family in FAMILIES:
            observed = observe(one, graph(one.make), version, TARGETS[family])
            if observed is not None:
                seen.setdefault(observed, []).append(family)
        for observed, families in seen.items():
            yield from row(version, ", ".join(families), observed.says, "wrong" if observed.wrong else "right")
    if one.others:
        yield "\nThe same happens to:\n"
        yield from (f"- {other}" for other in one.others)
    yield f"\n**Effect.** {one.effect}"
    yield f"\n**Cause.** {one.cause}"
    yield f"\n**Workaround.** {one.workaround}"
