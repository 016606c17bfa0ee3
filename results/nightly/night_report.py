"""The report of a night.

It is Markdown for a summary or mail, JUnit XML for build servers, and JSON for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from results.nightly.night import Drift, Night, NightEntry
from results.records.clock import time_at
from results.records.families import family_of
from results.reports.markdown import aligned, in_a_cell
from results.reports.report import environment, write_file

NAMES = ("night.html", "night.md", "night.xml", "night.json")


def write_night(night: Night, folder: str | Path) -> Path:
    """Write the night as a page, as Markdown, as JUnit XML and as JSON.

    Args:
        night: a finished night.
        folder: made if it is missing; files of an earlier night there are replaced.

    Returns:
        The page's path.

    Raises:
        StoreError: a file cannot be written.
    """
    texts = (night_page(night), night_markdown(night), night_junit(night), json.dumps(night_json(night), indent=2))
    paths = [write_file(Path(folder) / name, text) for name, text in zip(NAMES, texts, strict=True)]
    return paths[0]


def night_page(night: Night) -> str:
    """An HTML page, readable offline."""
    return environment().get_template("night.html.j2").render(night=night)


def night_json(night: Night) -> dict[str, Any]:
    """The record of the night, and what follows from it; described in docs/nightly.md."""
    document = night.to_json()
    for fields, entry in zip(document["entries"], night.entries, strict=True):
        fields["best_regression_percent"] = round(entry.best_regression, 3)
        fields["default_regression_percent"] = round(entry.default_regression, 3)
        fields["regressed"] = night.regressed(entry)
        fields["new_best"] = entry.is_new_best
    return {"headline": night.headline, **document}


def night_markdown(night: Night) -> str:
    """A heading, the headline, and a table of each thing that somebody should look at."""
    parts = [f"# Night of {night.started[:10]}: {night.suite}", f"{night.headline[0].upper()}{night.headline[1:]}."]
    for heading, columns, lines in _tables(night):
        if lines:
            parts += [
                f"## {heading}",
                aligned([columns, *lines], set(columns) - {"model", "target", "why", "versions"}),
            ]
    versions = ", ".join(f"{name} {version}" for name, version in night.versions.items())
    parts.append(f"{night.candidates:,} candidates in {night.seconds:,.0f} s. All figures are predicted. {versions}.")
    return "\n\n".join(parts) + "\n"


def night_junit(night: Night) -> str:
    """A test case for each model and target. A regression is a failure, what failed is an error, and what was left is
    skipped."""
    cases = []
    for entry in night.entries:
        case = ElementTree.Element("testcase", classname=f"{night.suite}.{entry.target}", name=entry.name)
        if night.regressed(entry):
            ElementTree.SubElement(case, "failure", message=regression_text(entry))
        elif entry.outcome == "failed":
            ElementTree.SubElement(case, "error", message=entry.why)
        elif entry.outcome in ("quarantined", "waiting"):
            ElementTree.SubElement(case, "skipped", message=entry.account)
        if entry.drift is not None:
            ElementTree.SubElement(case, "system-out").text = drift_text(entry.drift)
        cases.append(case)
    suite = ElementTree.Element(
        "testsuite",
        name=f"velatune nightly {night.suite}",
        timestamp=night.started[:19],
        time=f"{night.seconds:.3f}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
    )
    suite.extend(cases)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def regression_text(entry: NightEntry) -> str:
    """What costs more than under which versions, in one line; empty if nothing does."""
    if entry.reference is None:
        return ""
    parts, unit = [], family_of(entry.family).unit
    if entry.best_regression:
        parts.append(
            f"the best costs {entry.best_cycles:,} {unit}, {entry.best_regression:.1f} % more than "
            f"{entry.reference.best_cycles:,} with {entry.reference.best_versions}"
        )
    if entry.default_regression:
        parts.append(
            f"stock ExecuTorch's costs {entry.default_cycles:,} {unit}, {entry.default_regression:.1f} % more than "
            f"{entry.reference.default_cycles:,} with {entry.reference.default_versions}"
        )
    return "; ".join(parts)


def drift_text(drift: Drift) -> str:
    """What became of two recipes, in one line."""
    changes = ", ".join(map(str, drift.changes))
    best = drift.fault or f"{drift.best_before:,} → {drift.best_now:,} ({_percent(drift.best_percent)})"
    default = f"{drift.default_before:,} → {drift.default_now:,} ({_percent(drift.default_percent)})"
    return f"{changes}: default {default}, best recipe of before {best}"


def _tables(night: Night) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Heading, columns, lines."""
    where = ("model", "target")
    return [
        ("Regressions", (*where, "why"), [(*_where(e), in_a_cell(regression_text(e))) for e in night.regressions]),
        ("Failures", (*where, "nights", "why"), [
            (*_where(e), str(e.failures), in_a_cell(e.why)) for e in night.of("failed", "quarantined")
        ]),
        ("Drift", (*where, "versions", "default", "best of before"), [
            (
                *_where(e), ", ".join(map(str, e.drift.changes)), _percent(e.drift.default_percent),
                in_a_cell(e.drift.fault) or _percent(e.drift.best_percent),
            )
            for e in night.drifts if e.drift is not None
        ]),
        ("New bests", (*where, "default", "before", "best"), [
            (*_where(e), _default(e), _timed(e, e.before_cycles), _timed(e, e.best_cycles))
            for e in night.new_bests
        ]),
        ("Waiting for the next night", (*where, "why"), [(*_where(e), in_a_cell(e.why)) for e in night.of("waiting")]),
    ]  # fmt: skip


def _where(entry: NightEntry) -> tuple[str, str]:
    return in_a_cell(entry.name), in_a_cell(entry.target)


def _timed(entry: NightEntry, cycles: int | None) -> str:
    """Cycles, or what the family counts, and the time that they take on a board that is known."""
    if cycles is None:
        return ""
    time, counted = time_at(cycles, entry.clock_hz), f"{cycles:,} {family_of(entry.family).unit}"
    return f"{counted} ({time})" if time else counted


def _default(entry: NightEntry) -> str:
    return _timed(entry, entry.default_cycles) + (", wrong outputs" if entry.default_fault else "")


def _percent(percent: float | None) -> str:
    return "" if percent is None else f"{percent:+.1f} %".replace("-", "\N{MINUS SIGN}")
