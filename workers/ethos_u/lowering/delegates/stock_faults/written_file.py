"""Does a written `.pte` compute what the lowered program does, from which it was written?

Its delegates are not executed: they give what they gave in the program. What is left is what ExecuTorch does after
lowering: the order of instructions, and where each tensor lies in memory. ExecuTorch 1.5.1 lets the branches of all
torch.cond share memory, for instance. The second one overwrites what the first one gave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workers.cache.array_files import first_difference
from workers.errors import ModelError
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.files.run_pte.values import Values
from workers.ethos_u.lowering.delegates.delegate_calls import CalledDelegate, RecordedRun


def check_file(name: str, content: bytes, inputs: Sequence[np.ndarray], run: RecordedRun) -> tuple[str, ...]:
    """Refuse a model whose `.pte` computes something else than its lowered program.

    Args:
        name: of the model, for people.
        content: the bytes of the `.pte`.
        inputs: as of `workers.ethos_u.files.run_pte.run_pte`.
        run: of the lowered program on these inputs. Buffers that it writes to start with zeros.

    Returns:
        A warning if the file cannot be run here.

    Raises:
        ModelError: what reaches a delegate, or an output, is not the program's bit for bit; and what differs.
    """
    try:
        differs = _difference(content, name, inputs, run)
    except ModelError as error:
        return (f"the .pte cannot be run here, so it is not compared with the lowered program: {error}",)
    if differs:
        raise ModelError(
            f"{name}: ExecuTorch lowers it to a program that computes something else, once it is written as a .pte: "
            f"{differs}; where a model has several torch.cond, their results share memory: choose by torch.where "
            "instead"
        )
    return ()


def _difference(content: bytes, name: str, inputs: Sequence[np.ndarray], run: RecordedRun) -> str:
    replay = _Replay(run.calls)
    outputs = PteProgram(content, name).run_around(inputs, replay)
    return replay.difference or first_difference(run.outputs, outputs)


class _Replay:
    """Gives what the program's delegates gave, in the order of their calls."""

    def __init__(self, calls: Sequence[CalledDelegate]) -> None:
        self._calls = calls
        self._done = 0
        #: Of the first input that differs.
        self.difference = ""

    def __call__(self, at: int, values: Values, arguments: Sequence[int]) -> None:
        if self._done == len(self._calls):
            raise ModelError(f"more than {len(self._calls)} delegates are called")
        call = self._calls[self._done]
        tensors = [tensor for one in arguments for tensor in values.tensors(one)]
        if len(tensors) != len(call.inputs) + len(call.outputs):
            raise ModelError(f"delegate {self._done} is called with {len(tensors)} tensors")
        for number, (tensor, wanted) in enumerate(zip(tensors, call.inputs, strict=False)):
            if not self.difference and tensor.bytes.numpy().tobytes() != wanted.tobytes():
                self.difference = f"other values reach input {number} of delegate {self._done}"
        for tensor, given in zip(tensors[len(call.inputs) :], call.outputs, strict=True):
            tensor.bytes.numpy()[:] = np.ascontiguousarray(given).reshape(-1).view(np.uint8)
        self._done += 1
