"""Evidence as JSON: what `velatune validate --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tuner.ethos_u.validation.summary import Summary, SummaryLine, summary_of
from workers.ethos_u.cost.estimates.host_cost import HOST_VERSION
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import Errors, PairErrors
from workers.ethos_u.cost.evidence.folder import Evidence
from workers.ethos_u.cost.evidence.host import HostComparison, host_errors
from workers.ethos_u.cost.stream_cost import MODEL_VERSION


def validation_document(evidence: Evidence, own: Sequence[Comparison], beyond: Sequence[str]) -> dict[str, Any]:
    """Rows, summary and limits as plain data; docs/validation.md describes it.

    Args:
        evidence: what ships, or what `--data` names.
        own: comparisons with what the user added.
        beyond: what is beyond a limit, one line each.

    Returns:
        What `json.dumps` takes; cycles are counts, errors are in percent.
    """
    return {
        "model_version": MODEL_VERSION,
        "host_version": HOST_VERSION,
        "rows": [_row(row) for row in evidence.comparisons],
        "own_rows": [_row(row) for row in own],
        "skipped": evidence.skipped,
        **_summary(summary_of(evidence.comparisons)),
        "host_rows": [_host_row(row) for row in evidence.host],
        "host_errors": [
            {
                "subject": one.subject, "kind": one.kind, "rows": one.rows, "mean_percent": round(one.mean, 2),
                "worst_percent": round(one.worst, 2),
            }
            for one in host_errors(evidence.host)
        ],
        "beyond_limits": list(beyond),
    }  # fmt: skip


def _host_row(row: HostComparison) -> dict[str, Any]:
    return {**asdict(row), "error_percent": round(row.error_percent, 2)}


def _row(row: Comparison) -> dict[str, Any]:
    document = {**asdict(row), "family": row.family, "error_percent": round(row.error_percent, 2)}
    if row.vela_error_percent is not None:
        document["vela_error_percent"] = round(row.vela_error_percent, 2)
    return document


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "errors": [_line(line) for line in summary.lines],
        "order": [
            {
                "family": line.family, "subject": line.subject, "model": _pairs(line.model),
                "model_beside_vela": _pairs(line.model_beside), "vela": _pairs(line.vela),
            }
            for line in summary.order
        ],
        "streams_order": {
            "model": _pairs(summary.streams_order), "model_beside_vela": _pairs(summary.streams_order_beside),
            "vela": _pairs(summary.streams_order_vela),
        },
        "launches": {
            "model": asdict(summary.launches) if summary.launches else None,
            "vela": asdict(summary.vela_launches) if summary.vela_launches else None,
        },
    }  # fmt: skip


def _line(line: SummaryLine) -> dict[str, Any]:
    vela = None if line.vela is None else _errors(line.vela)
    return {
        "family": line.family, "subject": line.subject, "kind": line.kind, "model": _errors(line.model), "vela": vela,
    }  # fmt: skip


def _errors(errors: Errors) -> dict[str, Any]:
    return {
        "rows": errors.rows, "mean_percent": round(errors.mean, 2), "worst_percent": round(errors.worst, 2),
        "ratio": round(errors.ratio, 4),
    }  # fmt: skip


def _pairs(errors: PairErrors | None) -> dict[str, Any] | None:
    if errors is None:
        return None
    return {
        "pairs": errors.pairs, "right": errors.right, "wrong": errors.wrong, "tau": round(errors.tau, 4),
        "ratio_error_percent": round(errors.ratio_error, 2),
    }  # fmt: skip
