"""Whether a lowered program carries from run to run what the quantised one does.

Lowering turns writes in place into values. PyTorch's functionalisation can take a view of a buffer for a name of that
buffer. After `old.copy_(new.view(8, 4))`, a write to `new` then changes `old` as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workers.ethos_u.lowering.delegates.run_lowered import run_lowered_in_turn
from workers.models.exported.state.module_state import same_random_numbers, state_kept, written_buffers
from workers.models.exported.tensors import copied, tensors

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

_RUNS = 4
#: Of a value over all runs, in L2 norms. Integer arithmetic stays some hundredths off; state of another run is far off.
_TOLERANCE = 0.25


def differing_state(quantised: ExportedProgram, lowered: ExportedProgram, samples: Sequence[tuple[Any, ...]]) -> str:
    """Run both several times, each from the state that the run before left.

    Args:
        quantised: as torch.export gives it, with operators in place.
        lowered: its delegates' blobs are TOSA flatbuffers.
        samples: argument tuples.

    Returns:
        What differs, such as `buffer past` or `output 0`; empty if nothing does, or nothing is carried.

    Raises:
        ReferenceFailed: the reference model does not run a delegate.
    """
    import torch

    names = written_buffers(lowered)
    if not names:
        return ""
    runs = [samples[at % len(samples)] for at in range(_RUNS)]
    module = quantised.module(check_guards=False)
    own = dict(module.named_buffers())
    start = {name: one.detach().clone() for name, one in own.items() if name in names}
    if len(start) != len(names):
        return ""
    expected, found = [], []
    with torch.no_grad(), state_kept(module):
        for run in runs:
            with same_random_numbers():
                given = copied(tensors(module(*copied(run))))
            expected.append((*copied([own[name] for name in names]), *given))
    for outputs, state in run_lowered_in_turn(lowered, runs, start):
        found.append((*(state[name] for name in names), *tensors(outputs)))
    labels = [*(f"buffer {name}" for name in names), *(f"output {at}" for at in range(len(expected[0]) - len(names)))]
    pairs = list(zip(labels, zip(*expected, strict=True), zip(*found, strict=True), strict=True))
    if not any(_is_other(wanted, given) for _, wanted, given in pairs):
        return ""
    # The one that went wrong first: it leads the others astray.
    runs_before = range(1, _RUNS + 1)
    return next(what for n in runs_before for what, wanted, given in pairs if _is_other(wanted[:n], given[:n]))


def _is_other(wanted: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> bool:
    import torch

    one, other = (torch.stack([value.to(torch.float64).nan_to_num() for value in each]) for each in (wanted, given))
    return bool((one - other).norm() > _TOLERANCE * one.norm())
