"""Run a `.tflite` that Vela compiled on this machine, if all of it runs on the NPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workers.errors import ModelError
from workers.ethos_u.files.run_pte import Input, RunDelegate, run_delegate
from workers.ethos_u.files.tflite import TfliteTensor, read_tflite

METHOD = "forward"


class TfliteProgram:
    """Such a file in memory; as `workers.ethos_u.files.run_pte.PteProgram`. Quantised inputs and outputs stay as they
    are."""

    def __init__(self, path: Path) -> None:
        """Raises ModelError if it is none that Vela wrote, or has operators that Vela left to the CPU."""
        self.name = str(path)
        self._file = read_tflite(path)
        if self._file.others:
            raise ModelError(f"{path}: Vela left {', '.join(self._file.others)} to the CPU; only the NPU's are run")

    def inputs(self, method: str = METHOD) -> tuple[Input, ...]:
        """What it takes. Raises ModelError for another method."""
        if method != METHOD:
            raise ModelError(f"{self.name}: a .tflite has no method {method}")
        return tuple(Input(one.shape, one.dtype) for one in self._file.inputs)

    def run(
        self, inputs: Sequence[np.ndarray], method: str = METHOD, run_delegate: RunDelegate = run_delegate
    ) -> list[np.ndarray]:
        """The outputs of the program.

        Args:
            inputs: an array for each input in order, of its shape and dtype.
            method: name of the only method.
            run_delegate: what is done in place of running a command stream by the NPU model.

        Returns:
            An array for each output.

        Raises:
            ModelError: the inputs are not its own. Other errors as of `PteProgram.run`.
        """
        self.inputs(method)
        if len(inputs) != len(self._file.inputs):
            raise ModelError(f"{self.name}: it takes {len(self._file.inputs)} inputs, not {len(inputs)}")
        values: dict[int, np.ndarray] = {}
        for number, (one, array) in enumerate(zip(self._file.inputs, inputs, strict=True)):
            if (array.dtype, array.shape) != (one.dtype, one.shape):
                raise ModelError(
                    f"{self.name}: input {number} is {array.dtype}{list(array.shape)}, "
                    f"it takes {one.dtype}{list(one.shape)}"
                )
            values[one.number] = array
        for number, operator in enumerate(self._file.operators):
            given = [self._value(values, one)[None] for one in operator.inputs]
            for one, output in zip(operator.outputs, run_delegate(number, operator.npu_program, given), strict=True):
                values[one.number] = np.ascontiguousarray(output).reshape(-1).view(one.dtype).reshape(one.shape)
        return [self._value(values, one) for one in self._file.outputs]

    def _value(self, values: dict[int, np.ndarray], one: TfliteTensor) -> np.ndarray:
        if one.number not in values:
            raise ModelError(f"{self.name}: damaged, nothing gives tensor {one.number}")
        return values[one.number]
