"""Run the smallest programs of the gate's rules on a runtime: `python -m benchmarks.vulkan.gate --vk-runner COMMAND`

Prints, for each rule, what came of its programs, and whether that is what the rule says. It prints the same of
neighbours that no rule names. Each program is named on stderr. The runner is one of `velatune tune --vk-runner`.

Exit status 1: a program behaves otherwise than the gate says.
"""

from __future__ import annotations

import sys

import click

from benchmarks.markdown import row
from benchmarks.vulkan.gate.outcome import Outcome, outcome
from benchmarks.vulkan.gate.programs import INT8_NEIGHBOURS, INT8_REFUSED, NEIGHBOURS, REFUSED, SUSPECT, Case, rotary
from benchmarks.vulkan.gate.quantised import QUANTISED_NEIGHBOURS, QUANTISED_REFUSED, Lowering
from workers.vulkan.gate.finding import Severity
from workers.vulkan.gate.rules import RULES
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL
from workers.vulkan.model.scheme import Scheme

_NEIGHBOURS = "none"


@click.command(help=__doc__)
@click.option("--vk-runner", "runner", required=True, metavar="COMMAND", help="as of velatune tune")
@click.option("--rule", "only", multiple=True, help="of these only; `none` stands for the neighbours")
def main(runner: str, only: tuple[str, ...]) -> None:
    click.echo("\n".join(row("rule", "says", "programs", "on the runtime (simulated)", "agrees", header=True)))
    disagreeing = 0
    for name, programs in programs_by_rule().items():
        if only and name not in only:
            continue
        found = [_said(name, number, outcome(one, runner)) for number, one in enumerate(programs, 1)]
        says, agrees = agreement(name, found)
        disagreeing += agrees < len(found)
        counted = "yes" if agrees == len(found) else f"{agrees} of {len(found)}"
        click.echo("\n".join(row(name, says, str(len(found)), _description(found), counted)))
    sys.exit(disagreeing > 0)


def _said(name: str, number: int, one: Outcome) -> Outcome:
    """The outcome, which is also printed on stderr."""
    broken = ", ".join(finding.rule.name for finding in one.verdict.findings)
    click.echo(f"{name} {number}: {one}; the gate says {broken or NOT_KNOWN_TO_FAIL}", err=True)
    return one


def programs_by_rule() -> dict[str, list[Lowering]]:
    """By rule, in the order of the rules; the neighbours last."""
    found: dict[str, list[Lowering]] = {rule.name: [] for rule in RULES}
    for table in (REFUSED, SUSPECT):
        for name, cases in table.items():
            found[name] += map(Lowering, cases)
    for name, cases in INT8_REFUSED.items():
        found[name] += map(_int8, cases)
    for name, programs in QUANTISED_REFUSED.items():
        found[name] += programs
    found["rotary-shapes"] += (Lowering(rotary(2, 32)), Lowering(rotary(1, 12)))
    plain = (*NEIGHBOURS, rotary(1, 32))
    found[_NEIGHBOURS] = [*map(Lowering, plain), *map(_int8, INT8_NEIGHBOURS), *QUANTISED_NEIGHBOURS]
    return found


def _int8(case: Case) -> Lowering:
    """All its layers as static int8."""
    return Lowering(case, dict.fromkeys(range(1, len(case[1]) + 1), Scheme.STATIC8))


def agreement(name: str, found: list[Outcome]) -> tuple[str, int]:
    """What a rule says of its programs, and how many behave so. Suspects may do either."""
    if name == _NEIGHBOURS:
        return NOT_KNOWN_TO_FAIL, sum(one.is_right and not one.verdict.findings for one in found)
    (rule,) = (rule for rule in RULES if rule.name == name)
    named = [one for one in found if any(finding.rule is rule for finding in one.verdict.findings)]
    if rule.severity is Severity.SUSPECT:
        return str(rule.severity), len(named)
    return str(rule.severity), sum(not one.is_right for one in named)


def _description(found: list[Outcome]) -> str:
    """How many aborted, came out wrong and came out right."""
    ran = [one for one in found if one.decibels is not None]
    wrong, right = (sorted(one.decibels or 0.0 for one in ran if one.is_right is side) for side in (False, True))
    parts = [f"{len(found) - len(ran)} abort"] if len(ran) < len(found) else []
    parts += [f"{len(wrong)} wrong, up to {round(wrong[-1])} dB"] if wrong else []
    parts += [f"{len(right)} right, from {round(right[0])} dB"] if right else []
    return "; ".join(parts)


if __name__ == "__main__":
    main()
