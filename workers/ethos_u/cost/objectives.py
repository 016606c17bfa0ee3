"""What can be minimised on Ethos-U. Host work is part of each."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from workers.backend.cost import Numbers
from workers.backend.objective import NotMore, ObjectiveKind

_CONSERVATIVE = NotMore(
    "the cycles, by Vela where no evidence covers them,",
    metrics=("conservative_cycles", "host_cycles"),
    limiting=("conservative_cycles",),
)


def _models() -> dict[str, str]:
    # Here, so that whoever only wants to know what can be minimised need not wait for the models.
    from workers.ethos_u.cost.estimates.host_cost import HOST_VERSION
    from workers.ethos_u.cost.stream_cost import MODEL_VERSION

    return {"stream_model": MODEL_VERSION, "host_model": HOST_VERSION}


def _stream(cost: Numbers, _: Numbers) -> int:
    return cost["stream_cycles"] + cost["host_cycles"]


def _vela(cost: Numbers, _: Numbers) -> int:
    return cost["vela_cycles"] + cost["host_cycles"]


def _both(cost: Numbers, default: Numbers) -> int:
    """The worse of the two ratios to the default, times the default's stream cycles: a best costs more by neither."""
    by_vela = Fraction(_vela(cost, default) * _stream(default, default), max(1, _vela(default, default)))
    return max(_stream(cost, default), ceil(by_vela))


OBJECTIVES: Mapping[str, ObjectiveKind] = {
    # What no evidence covers may not cost more by Vela's own estimate than the default lowering does.
    "stream": ObjectiveKind("stream cycles", _stream, (_CONSERVATIVE,), _models),
    "vela": ObjectiveKind("cycles by Vela", _vela, (), _models),
    "both": ObjectiveKind("the worse of stream cycles and cycles by Vela", _both, (), _models),
}
