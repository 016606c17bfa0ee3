"""A `.pte` that is run on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np

from workers.errors import ModelError, one_line, printable
from workers.ethos_u.files.pte import BACKEND, Delegate, delegate_of, deserialised
from workers.ethos_u.files.run_pte.instructions import DelegateCall, carry_out
from workers.ethos_u.files.run_pte.values import TensorValue, Values
from workers.ethos_u.npu_model import IoTensor, NpuProgram, execute
from workers.models.exported.state.module_state import same_random_numbers
from workers.models.exported.tensors import as_arrays

#: Gives a delegate's outputs: its number among the method's Ethos-U delegates, what the NPU is given, and its inputs as
#: it finds them in memory, each `[1, ...]`. Outputs in order, integers of as many bytes as the delegate's.
RunDelegate = Callable[[int, NpuProgram, Sequence[np.ndarray]], Sequence[np.ndarray]]

#: Element types that ExecuTorch's runtime hands an Ethos-U (EthosUBackend.cpp).
_HANDED_OVER = frozenset(("torch.int8", "torch.uint8", "torch.int16", "torch.int32", "torch.bool"))


@dataclass(frozen=True)
class Input:
    """What a method takes.

    Attributes:
        shape: of a tensor; of a number ().
        dtype: numpy's type of its elements; None for an input that is always None.
        value: a number's value at the time of export, which the program was made for; else None.
        dynamic: whether other shapes of this rank may be given, of at most as many elements.
    """

    shape: tuple[int, ...]
    dtype: np.dtype | None
    value: int | float | bool | None = None
    dynamic: bool = False


def run_delegate(number: int, program: NpuProgram, inputs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Run a delegate's command stream by the NPU model; a `RunDelegate`.

    Args:
        number: of the delegate.
        program: its stream and constants.
        inputs: `[S, ...]` each.

    Returns:
        `[S, ...]` for each output; errors as of `workers.ethos_u.npu_model.run.execute`.
    """
    return execute(program, inputs)


def run_pte(path: Path, inputs: Sequence[np.ndarray], method: str = "forward") -> list[np.ndarray]:
    """The outputs of a `.pte` that ExecuTorch wrote, by the NPU model and PyTorch.

    Args:
        path: of the file.
        inputs: an array for each of the method's inputs in order, of its shape and type. The order of dimensions in
            memory is free. A number is an array without dimensions.
        method: name of the method.

    Returns:
        An array for each output.

    Raises:
        ModelError: the file cannot be read or run, or the inputs are not its own.
        Fault: a command stream does what the hardware does not do.
        Unmodelled: the NPU model does not know what a command stream does.
    """
    return PteProgram.read(path).run(inputs, method)


class PteProgram:
    """A `.pte` in memory. It keeps no state between runs: each begins with what the file says. Only runs in turn go on
    with what those before them left in memory."""

    def __init__(self, content: bytes, name: str) -> None:
        """Read a program.

        Args:
            content: the bytes of a `.pte`.
            name: what to call it in errors.

        Raises:
            ModelError: it is no `.pte`, or damaged.
        """
        self.name = name
        file = deserialised(content, name)
        self._program = file.program
        self._mutable: Sequence[Any] = file.mutable_data or ()

    @classmethod
    def read(cls, path: Path) -> PteProgram:
        """Raises ModelError if there is no such file, or it is no `.pte`."""
        try:
            return cls(path.read_bytes(), str(path))
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror})") from error

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of its methods."""
        return tuple(printable(str(plan.name)) for plan in self._program.execution_plan)

    def inputs(self, method: str = "forward") -> tuple[Input, ...]:
        """What a method takes. Raises ModelError if the program has no such method, or is damaged."""
        plan = self._plan(method)
        with self._errors():
            values = self._values(plan)
            return tuple(_input(values[at]) for at in plan.inputs)

    def run(
        self, inputs: Sequence[np.ndarray], method: str = "forward", run_delegate: RunDelegate = run_delegate
    ) -> list[np.ndarray]:
        """The outputs of a method.

        Args:
            inputs: as of `run_pte`.
            method: name of the method.
            run_delegate: what is done in place of running a delegate's command stream by the NPU model.

        Returns:
            An array for each output that is not None; errors as of `run_pte`.
        """
        (outputs,) = self.run_in_turn((inputs,), method, run_delegate)
        return outputs

    def run_in_turn(
        self, runs: Iterable[Sequence[np.ndarray]], method: str = "forward", run_delegate: RunDelegate = run_delegate
    ) -> list[list[np.ndarray]]:
        """The outputs of several runs of a method in the same memory.

        A runtime that has loaded it once gives the same.

        Args:
            runs: inputs of each run, as of `run_pte`.
            method: name of the method.
            run_delegate: as of `run`.

        Returns:
            For each run, an array for each output that is not None; errors as of `run_pte`.
        """
        plan = self._plan(method)
        delegates = _Delegates(self._program, plan, run_delegate)
        with self._errors(delegates):
            return self._carried_out(plan, runs, delegates)

    def run_around(
        self, inputs: Sequence[np.ndarray], call_delegate: DelegateCall, method: str = "forward"
    ) -> list[np.ndarray]:
        """The outputs of a method, whose delegates somebody else does. Their blobs are not read.

        Args:
            inputs: as of `run_pte`.
            call_delegate: does a delegate's call.
            method: name of the method.

        Returns:
            An array for each output that is not None; errors as of `run_pte`, and those of `call_delegate`.
        """
        plan = self._plan(method)
        with self._errors():
            (outputs,) = self._carried_out(plan, (inputs,), call_delegate)
        return outputs

    def _carried_out(
        self, plan: Any, runs: Iterable[Sequence[np.ndarray]], call_delegate: DelegateCall
    ) -> list[list[np.ndarray]]:
        given = []
        values = self._values(plan)
        for inputs in runs:
            with same_random_numbers():
                _put(plan, values, inputs)
                carry_out(plan, values, call_delegate)
            # Copies: the memory that an output lies in may be another one's as well.
            given.append(as_arrays([values.read(at) for at in plan.outputs]))
        return given

    def _plan(self, method: str) -> Any:
        for plan in self._program.execution_plan:
            if plan.name == method:
                return plan
        raise ModelError(f"{self.name}: it has no method {method}, only {', '.join(self.methods) or 'none'}")

    def _values(self, plan: Any) -> Values:
        return Values(plan, self._program.constant_buffer, self._mutable)

    @contextmanager
    def _errors(self, delegates: _Delegates | None = None) -> Iterator[None]:
        """Errors inside the block name the file."""
        try:
            yield
        except ModelError as error:
            raise type(error)(f"{self.name}: {printable(str(error))}") from error
        # ExecuTorch's reader checks nothing: what a damaged file lacks is None where it is used, or any number.
        except Exception as error:
            if delegates is not None and error is delegates.raised:
                raise
            raise ModelError(f"{self.name}: damaged ({one_line(error)})") from error


class _Delegates:
    """Calls the delegates of a method, as backends/arm/runtime/EthosUBackend.cpp does."""

    def __init__(self, program: Any, plan: Any, run: RunDelegate) -> None:
        self._program, self._plan, self._run = program, plan, run
        #: What running a delegate raised.
        self.raised: Exception | None = None

    def __call__(self, at: int, values: Values, arguments: Sequence[int]) -> None:
        number, delegate = self._delegate(at)
        try:
            self._call(number, delegate, [tensor for one in arguments for tensor in values.tensors(one)])
        except ModelError as error:
            raise type(error)(f"delegate {number}: {error}") from error

    def _call(self, number: int, delegate: Delegate, tensors: Sequence[TensorValue]) -> None:
        npu = delegate.npu_program
        taken, given = len(npu.inputs), len(npu.outputs)
        # The runtime goes by position, so where counts differ it would take an input for an output.
        if len(tensors) != taken + given:
            raise ModelError(f"called with {len(tensors)} tensors, but its program takes {taken} and gives {given}")
        for tensor, io in zip(tensors, (*npu.inputs, *npu.outputs), strict=True):
            _check(tensor, io)
        try:
            outputs = self._run(number, npu, [_in_memory(one) for one in tensors[:taken]])
        except Exception as error:
            self.raised = error
            raise
        for tensor, io, output in zip(tensors[taken:], npu.outputs, outputs, strict=True):
            content = np.array(output, order="C")
            if content.nbytes != io.bytes:
                raise ModelError(f"an output has {content.nbytes} bytes instead of {io.bytes}")
            tensor.bytes.numpy()[:] = content.reshape(-1).view(np.uint8)

    def _delegate(self, at: int) -> tuple[int, Delegate]:
        """And its number among the Ethos-U's."""
        if not 0 <= at < len(self._plan.delegates):
            raise ModelError(f"damaged, it has no delegate {at}")
        backend = self._plan.delegates[at].id
        if backend != BACKEND:
            raise ModelError(f"its delegate {at} is for {backend}, only {BACKEND} can be run")
        number = sum(one.id == BACKEND for one in self._plan.delegates[:at])
        return number, delegate_of(self._program, self._plan, at, f"delegate {number}")


def _check(tensor: TensorValue, io: IoTensor) -> None:
    if str(tensor.dtype) not in _HANDED_OVER or tensor.dtype.itemsize != io.element_bytes or tensor.nbytes != io.bytes:
        raise ModelError(
            f"called with {str(tensor.dtype).removeprefix('torch.')}{list(tensor.sizes)} for {list(io.shape)} elements "
            f"of {io.element_bytes} bytes"
        )


def _in_memory(tensor: TensorValue) -> np.ndarray:
    """As signed integers `[1, ...]`, in the order in which they lie in memory."""
    shape = [tensor.sizes[axis] for axis in tensor.dim_order]
    elements = tensor.bytes.numpy().copy().view(f"i{tensor.dtype.itemsize}")
    return elements.reshape(1, *shape)


def _input(value: Any) -> Input:
    if isinstance(value, TensorValue):
        return Input(value.sizes, value.numpy_type, dynamic=value.dynamic)
    if value is None:
        return Input((), None)
    if not isinstance(value, bool | int | float):
        raise ModelError("it takes an input that is neither tensor nor number")
    return Input((), np.asarray(value).dtype, value)


def _put(plan: Any, values: Values, inputs: Sequence[np.ndarray]) -> None:
    import torch

    wanted = [at for at in plan.inputs if values[at] is not None]
    if len(inputs) != len(wanted):
        raise ModelError(f"it takes {len(wanted)} inputs, not {len(inputs)}")
    for number, (at, array) in enumerate(zip(wanted, inputs, strict=True)):
        value, expected = values[at], _input(values[at])
        if array.dtype != expected.dtype or array.ndim != len(expected.shape):
            raise ModelError(f"input {number} is {_described(array)}, it takes {expected.dtype}{list(expected.shape)}")
        if not isinstance(value, TensorValue):
            # ExecuTorch makes the program for the value at export, and its runtime takes no other.
            if not isclose(array.item(), value, rel_tol=1e-5, abs_tol=1e-4 if isinstance(value, float) else 0):
                raise ModelError(f"input {number} is {array.item()}, it was exported for {value} and takes no other")
            continue
        try:
            value.resize(array.shape)
        except ModelError:
            shape = list(expected.shape)
            raise ModelError(f"input {number} is {_described(array)}, it takes {expected.dtype}{shape}") from None
        if value.memory is None:
            value.memory = torch.empty(value.nbytes, dtype=torch.uint8)
        value.tensor.copy_(torch.from_numpy(np.array(array, order="C")))


def _described(array: np.ndarray) -> str:
    return f"{array.dtype}{list(array.shape)}"
