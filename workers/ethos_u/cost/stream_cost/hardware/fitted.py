"""The numbers of the cost model that no document has: they are fitted to measured cycles.

`python -m benchmarks.predictions.fit_cycles` fits them again. It prints how far off they are on each row. It also does
so on the rows of a model left out of the fit. docs/objective.md says which rows tell what.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fitted:
    """Parameters of the cost model.

    Attributes:
        in_flight: share of the transactions that a channel may have under way which it has on average. U85: all
            channels, copies and scales; U55, U65: reads of feature maps. Rows: U85 at 250 and 500 cycles of latency:
            totals, single operators with feature maps in DRAM, latency sweeps.
        reads: transactions that the feature map reader of U55 and U65 may have under way. Rows: totals of U65, whose
            input is in DRAM.
        sweep_cycles: cycles that U85's MACs take for each sweep over a block beside one for each microblock. Rows:
            convolutions of U85 with small blocks (launches, single operators without latency).
        block_cycles: cycles that U55 and U65 take to change from one block to the next. Rows: TinyCNN, whose pools have
            15 blocks each; totals of U55.
        chain_cycles: cycles until U85 passes a block on to the next operation of a chain. Rows: launches of convolution
            and addition.
        start_cycles: cycles from the start of a stream to its first operation. Rows: single operators without latency.
    """

    in_flight: float = 0.8
    reads: float = 12.0
    sweep_cycles: float = 1.25
    block_cycles: float = 16.0
    chain_cycles: float = 70.0
    start_cycles: float = 300.0


FITTED = Fitted()
