"""Write what follows from the evidence that ships: the tables of docs/validation.md.

python -m benchmarks.validation
"""

from __future__ import annotations

import re
from pathlib import Path

from results.markdown import aligned
from tuner.validation.summary import Summary, summary_of
from tuner.validation.text import ORDER_HEADINGS, SUMMARY_HEADINGS, WORDS, order_cells, summary_cells, totals_told
from workers.evidence import SHIPPED, read_evidence
from workers.stream_cost import MODEL_VERSION

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
_PLACE = re.compile(r"(?s)(<!-- validation -->\n).*(<!-- /validation -->)")


def main() -> None:
    """Write the tables into the page."""
    text = PAGE.read_text()
    PAGE.write_text(_PLACE.sub(lambda found: found[1] + tables() + found[2], text))


def tables() -> str:
    """The tables in Markdown."""
    summary = summary_of(read_evidence(SHIPPED).comparisons)
    return "\n".join([f"Model version {MODEL_VERSION}.", "", *_tables(summary), ""])


def _tables(summary: Summary) -> list[str]:
    errors = [SUMMARY_HEADINGS, *map(summary_cells, summary.lines)]
    order = [ORDER_HEADINGS, *map(order_cells, summary.order)]
    return [
        "Errors in percent of what was counted:", "", aligned(errors, set(SUMMARY_HEADINGS) - set(WORDS)), "",
        "Order of pairs:", "", aligned(order, set(ORDER_HEADINGS) - set(WORDS)), "",
        *(f"- {line}" for line in totals_told(summary)),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
