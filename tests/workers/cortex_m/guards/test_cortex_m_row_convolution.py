"""The rule for the MVE kernel of rows of height 1, on every configuration that ran on Cortex-M55."""

import pytest

from workers.cortex_m.evidence.instruction_counts import row_convolutions
from workers.cortex_m.guards.row_convolution import row_kernel_verdict
from workers.cortex_m.guards.verdict import Severity

FOUND = {"ok": None, "fail-3": Severity.FAILS, "WRONG": Severity.WRONG}


def test_the_rule_says_what_the_kernel_did() -> None:
    rows = [row for row in row_convolutions() if row["dispatch_1xn"] == "1"]
    reported = [row_kernel_verdict(*(int(row[name]) for name in ("W", "k", "s", "p"))) for row in rows]
    counted = [FOUND[row["verdict"]] for row in rows]
    others = [(row, said) for row, said, was in zip(rows, reported, counted, strict=True) if said is not was]
    assert set(counted) == {None, Severity.FAILS, Severity.WRONG}
    # One configuration is right by chance of its values: the rule may refuse it, and calls nothing wrong safe.
    assert all(said is Severity.WRONG for _, said in others), others
    assert len(others) <= 1, others


def test_what_another_kernel_computes_is_right() -> None:
    assert {row["verdict"] for row in row_convolutions() if row["dispatch_1xn"] == "0"} == {"ok"}


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "padding", "verdict"),
    [
        (20, 3, 2, 0, Severity.WRONG),  # Conv1d(8, 16, 3, stride=2): 16 of 144 values wrong
        (21, 3, 2, 0, None),
        (20, 5, 2, 2, Severity.FAILS),  # Conv1d(8, 16, 5, stride=2, padding=2): status -3
        (21, 5, 2, 2, Severity.WRONG),  # 15 of 176 values wrong
        (4, 3, 2, 1, Severity.FAILS),  # Silero VAD's second convolution
        (100, 7, 1, 3, None),
    ],
)
def test_programs_that_were_run(width: int, kernel: int, stride: int, padding: int, verdict: Severity | None) -> None:
    assert row_kernel_verdict(width, kernel, stride, padding) is verdict
