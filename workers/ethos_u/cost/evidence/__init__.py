"""Evidence: cycles that a simulator or a board counted, beside what the model of a command stream predicts.

    evidence = read_evidence(SHIPPED)
    evidence.comparisons[0].predicted_cycles, evidence.comparisons[0].measured_cycles

`data/` ships with velatune; README.md describes its format. Any folder in that format can be read.
"""

from workers.ethos_u.cost.evidence.folder import SHIPPED, Evidence, read_evidence

__all__ = ["SHIPPED", "Evidence", "read_evidence"]
