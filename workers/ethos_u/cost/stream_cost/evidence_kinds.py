"""The kinds of NPU operation that there is evidence of."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

#: What `operation_kinds.kinds_in` finds in the evidence that ships; `make validation` writes it.
KINDS_FILE = Path(__file__).with_name("kinds.json")

#: Families of one architecture.
_LIKE = dict.fromkeys(("ethos-u55", "ethos-u65"), ("ethos-u55", "ethos-u65"))


def has_evidence(family: str, kind: str) -> bool:
    """Whether operations of a kind were measured on a family of accelerators, by the evidence that ships.

    What was measured on Ethos-U55 counts for Ethos-U65 and the other way round. The two are one architecture, whose
    operations are emitted and priced alike. They differ in their memories. All of that evidence is of 8-bit elements.

    Args:
        family: `ethos-u55`, `ethos-u65` or `ethos-u85`.
        kind: as in `results.records.figures.OperatorRow.npu_op`, such as `Transpose`. A `MatMul` on U55 and U65 is
            never found: its operations are counted as `Mul` and `ReduceSum`.

    Returns:
        Whether they were.
    """
    return kind in covered_kinds(family)


@cache
def covered_kinds(family: str) -> frozenset[str]:
    """All kinds that `has_evidence` says so of."""
    shipped = shipped_kinds()
    return frozenset(kind for one in _LIKE.get(family, (family,)) for kind in shipped.get(one, {}))


@cache
def shipped_kinds() -> dict[str, dict[str, list[int]]]:
    """Family of accelerators -> kind -> bits of the elements, in the evidence that ships."""
    found: dict[str, dict[str, list[int]]] = json.loads(KINDS_FILE.read_text())
    return found
