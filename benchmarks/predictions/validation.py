"""Write what follows from the evidence that ships.

These are the tables of docs/validation.md, and the errors that are printed with predictions.

python -m benchmarks.predictions.validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from results.reports.markdown import aligned
from results.reports.prediction_error import ERRORS_FOLDER
from tuner.ethos_u.validation.host_text import HOST_HEADINGS, HOST_WORDS, assumption_line, error_cells
from tuner.ethos_u.validation.summary import Summary, summary_of
from tuner.ethos_u.validation.text import (
    ORDER_HEADINGS,
    SUMMARY_HEADINGS,
    WORDS,
    order_cells,
    summary_cells,
    total_lines,
)
from tuner.tuning.objective import Objective
from workers.ethos_u.cost.estimates.host_cost import HOST_VERSION
from workers.ethos_u.cost.evidence import SHIPPED, read_evidence
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import By, comparable_pairs, errors_of, families, pair_errors
from workers.ethos_u.cost.evidence.operation_kinds import kinds_in
from workers.ethos_u.cost.stream_cost import MODEL_VERSION
from workers.ethos_u.cost.stream_cost.evidence_kinds import KINDS_FILE, covered_kinds

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
_PLACE = re.compile(r"(?s)(<!-- validation -->\n).*(<!-- /validation -->)")


ERRORS_FILE = ERRORS_FOLDER / "ethos-u.json"

#: Which estimate an objective counts by.
_COUNTED_BY: dict[str, By] = {"stream": "model", "both": "model", "vela": "vela"}


def main() -> None:
    """Write the tables into the page, the errors and the kinds of operation into their files."""
    ERRORS_FILE.write_text(errors_text())
    KINDS_FILE.write_text(kinds_text())
    text = PAGE.read_text()
    PAGE.write_text(_PLACE.sub(lambda found: found[1] + tables() + found[2], text))


def tables() -> str:
    """The tables in Markdown."""
    evidence = read_evidence(SHIPPED)
    versions = f"Model version {MODEL_VERSION}, version {HOST_VERSION} of the prices of host work."
    host = [
        "Work on the CPU, errors in percent of what was counted:", "",
        aligned([HOST_HEADINGS, *error_cells(evidence.host)], set(HOST_HEADINGS) - set(HOST_WORDS)), "",
        assumption_line(),
    ]  # fmt: skip
    return "\n".join([versions, "", *_tables(summary_of(evidence.comparisons)), "", *host, ""])


def errors_text() -> str:
    """The contents of `results/reports/prediction_errors/ethos-u.json`."""
    programs = [row for row in read_evidence(SHIPPED).comparisons if row.subject == "program"]
    document = {"model_version": MODEL_VERSION, "errors": list(_errors(programs))}
    return json.dumps(document, indent=2) + "\n"


def kinds_text() -> str:
    """The contents of `workers/ethos_u/cost/stream_cost/kinds.json`."""
    return json.dumps(kinds_in(SHIPPED), indent=2) + "\n"


def _errors(programs: Sequence[Comparison]) -> Iterator[dict[str, Any]]:
    for family, rows in families(programs):
        for kind, by in _COUNTED_BY.items():
            errors, pairs = errors_of(rows, by), pair_errors(comparable_pairs(rows), by)
            if errors is None:
                continue
            # Where no two programs are of one model, two predictions are as far off as one is.
            pair_percent = pairs.ratio_error if pairs is not None else errors.mean
            yield {
                "target": f"{family}-",
                "objective": Objective(kind).on("ethos-u").facts(),
                "by": "model" if by == "model" else "compiler",
                "kinds": sorted(covered_kinds(family)),
                "error": {
                    "mean_percent": round(errors.mean, 1), "worst_percent": round(errors.worst, 1),
                    "pair_percent": round(pair_percent, 1), "programs": errors.rows,
                },
            }  # fmt: skip


def _tables(summary: Summary) -> list[str]:
    errors = [SUMMARY_HEADINGS, *map(summary_cells, summary.lines)]
    order = [ORDER_HEADINGS, *map(order_cells, summary.order)]
    return [
        "Errors are in percent of what was counted. *Sure* is the mean without what the steps of the counters can "
        "explain:",
        "", aligned(errors, set(SUMMARY_HEADINGS) - set(WORDS)), "",
        "Order of pairs:", "", aligned(order, set(ORDER_HEADINGS) - set(WORDS)), "",
        *(f"- {line}" for line in total_lines(summary)), "",
        "Kinds of operation that the evidence has, by the bits of the elements that they read. Where it is empty, "
        "there are none. "
        "What U55 has counts for U65 and the other way round: they are one architecture.",
        "", aligned(_kinds(), set()),
    ]  # fmt: skip


def _kinds() -> list[tuple[str, ...]]:
    """Heading and rows: each kind of operation on each family."""
    found = kinds_in(SHIPPED)
    kinds = sorted({kind for of_family in found.values() for kind in of_family})
    return [
        ("kind", *found),
        *((kind, *(", ".join(map(str, of_family.get(kind, []))) for of_family in found.values())) for kind in kinds),
    ]


if __name__ == "__main__":
    main()
