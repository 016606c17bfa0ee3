"""Evidence in short: one line for each family and subject, errors of the model beside Vela's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.ethos_u.cost.evidence.comparison import Comparison, Subject
from workers.ethos_u.cost.evidence.error_statistics import (
    Errors,
    LaunchErrors,
    PairErrors,
    comparable_pairs,
    errors_of,
    families,
    launch_errors,
    least_launch_errors,
    long_enough,
    pair_errors,
    with_vela,
)

#: How subjects are called in tables, in their order.
SUBJECTS: dict[Subject, str] = {
    "program": "whole programs",
    "operator": "single operators",
    "launch": "launches",
    "sweep": "memory settings varied",
}


@dataclass(frozen=True)
class SummaryLine:
    """Errors over some rows of one family.

    Attributes:
        kind: of operator; empty for all of the subject.
    """

    family: str
    subject: Subject
    kind: str
    model: Errors
    vela: Errors | None


@dataclass(frozen=True)
class OrderLine:
    """Ranking over pairs of one family and subject; `model_beside` is the model's over the pairs that Vela has."""

    family: str
    subject: Subject
    model: PairErrors
    model_beside: PairErrors | None
    vela: PairErrors | None


@dataclass(frozen=True)
class Summary:
    """What a set of comparisons comes to.

    Attributes:
        lines: by family, subject and kind of operator.
        order: by family and subject.
        streams_order: over all pairs of streams: sweeps, which have one stream each, are not in it.
        launches, vela_launches: over launches that are long enough.
        least_launches: the same of predictions that are right to the cycle.
    """

    lines: tuple[SummaryLine, ...]
    order: tuple[OrderLine, ...]
    streams_order: PairErrors | None
    streams_order_beside: PairErrors | None
    streams_order_vela: PairErrors | None
    launches: LaunchErrors | None
    vela_launches: LaunchErrors | None
    least_launches: LaunchErrors | None


def summary_of(rows: Sequence[Comparison]) -> Summary:
    """Sum up comparisons by family, subject and kind of operator."""
    pairs = comparable_pairs(row for row in rows if row.subject != "sweep")
    return Summary(
        tuple(_lines(rows)),
        tuple(_order(rows)),
        pair_errors(pairs),
        pair_errors(with_vela(pairs)),
        pair_errors(pairs, "vela"),
        launch_errors(rows),
        launch_errors(rows, "vela"),
        least_launch_errors(rows),
    )


def grouped(rows: Sequence[Comparison]) -> Iterator[tuple[str, Subject, str, list[Comparison]]]:
    """Family, subject and kind of operator, with their rows, in the order of the tables."""
    for family, of_family in families(rows):
        for subject in SUBJECTS:
            of_subject = [row for row in of_family if row.subject == subject]
            for kind in sorted({row.kind for row in of_subject}):
                yield family, subject, kind, [row for row in of_subject if row.kind == kind]


def _lines(rows: Sequence[Comparison]) -> Iterator[SummaryLine]:
    for family, subject, kind, some in grouped([row for row in rows if long_enough(row)]):
        model = errors_of(some)
        assert model is not None  # every row has a prediction
        yield SummaryLine(family, subject, kind, model, errors_of(some, "vela"))


def _order(rows: Sequence[Comparison]) -> Iterator[OrderLine]:
    for family, of_family in families(rows):
        for subject in SUBJECTS:
            pairs = comparable_pairs(row for row in of_family if row.subject == subject)
            model = pair_errors(pairs)
            if model is not None:
                beside, vela = pair_errors(with_vela(pairs)), pair_errors(pairs, "vela")
                yield OrderLine(family, subject, model, beside, vela)
