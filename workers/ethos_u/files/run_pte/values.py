"""The values that a method of a `.pte` works on, and the memory that its tensors lie in.

A tensor that the file has planned is a place in one of the method's buffers. ExecuTorch's runtime does the same
(runtime/executor/tensor_parser_exec_aten.cpp). What it shares with others by plan it shares here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.errors import ModelError

if TYPE_CHECKING:
    import torch

#: ExecuTorch's ScalarType (exir/scalar_type.py), as far as its runtime computes with it: names of PyTorch's types.
_DTYPES = {
    0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64",
    8: "complex32", 9: "complex64", 10: "complex128", 11: "bool", 15: "bfloat16",
    27: "uint16", 28: "uint32", 29: "uint64",
}  # fmt: skip

_STATIC = 0  # TensorShapeDynamism


@dataclass(frozen=True)
class ListOf:
    """A list whose elements are values with numbers of their own; -1 for no value."""

    items: tuple[int, ...]


class TensorValue:
    """A tensor of a method.

    Attributes:
        dtype: its element type.
        sizes: the present ones; of a tensor with a dynamic shape they change while the method runs.
        dim_order: dimensions from the outermost to the innermost in memory.
        memory: its bytes, as uint8; None as long as nobody has given it any.
    """

    def __init__(self, meta: Any, memory: torch.Tensor | None) -> None:
        """A tensor as a plan has it.

        Args:
            meta: its Tensor in the file.
            memory: uint8, its bytes; None as long as nobody has given it any.
        """
        self.dtype: torch.dtype = _dtype(meta.scalar_type)
        self.sizes = tuple(meta.sizes)
        self.dim_order = tuple(meta.dim_order)
        self.memory = memory
        self._static = int(meta.shape_dynamism) == _STATIC
        self._most = prod(self.sizes)

    @property
    def dynamic(self) -> bool:
        """Whether its sizes may change."""
        return not self._static

    @property
    def numpy_type(self) -> np.dtype:
        """numpy's type of its elements. Raises ModelError if numpy has none."""
        try:
            return np.dtype(str(self.dtype).removeprefix("torch."))
        except TypeError:
            raise ModelError(f"numpy has no type for {self.dtype}") from None

    @property
    def nbytes(self) -> int:
        """Of its present sizes."""
        return prod(self.sizes) * self.dtype.itemsize

    @property
    def tensor(self) -> torch.Tensor:
        """A view of its memory; what is written to it is written there."""
        in_memory = self.bytes.view(self.dtype).reshape([self.sizes[axis] for axis in self.dim_order])
        return in_memory.permute(tuple(np.argsort(self.dim_order)))

    @property
    def bytes(self) -> torch.Tensor:
        """Its memory as far as its present sizes need it."""
        if self.memory is None:
            raise ModelError("a tensor is used that was given no memory")
        return self.memory[: self.nbytes]

    def resize(self, sizes: Sequence[int]) -> None:
        """Give it other sizes. Raises ModelError if its shape is fixed, or it would not fit."""
        wanted = tuple(sizes)
        if wanted == self.sizes:
            return
        if self._static or len(wanted) != len(self.sizes) or prod(wanted) > self._most:
            raise ModelError(f"{list(wanted)} values do not go into a tensor of shape {list(self.sizes)}")
        self.sizes = wanted

    def assign(self, value: torch.Tensor) -> None:
        """Copy a value of any strides into its memory."""
        self.resize(value.shape)
        self.tensor.copy_(value)


class Values:
    """All values of a method, by their number in its plan."""

    def __init__(self, plan: Any, constants: Sequence[Any], mutable: Sequence[Any]) -> None:
        """The values of a plan, with memory.

        Args:
            plan: an ExecutionPlan.
            constants: buffers of the file.
            mutable: buffers of the file, what mutable ones begin with.

        Raises:
            ModelError: a tensor does not fit where the file has it, or the buffers take too much memory.
        """
        import torch

        try:
            # numpy's zeros take up memory only where they are written to.
            self._buffers = [torch.from_numpy(np.zeros(size, np.uint8)) for size in plan.non_const_buffer_sizes]
        except (MemoryError, ValueError) as error:
            raise ModelError(f"its buffers of {plan.non_const_buffer_sizes} bytes cannot be had") from error
        self._constants, self._mutable = constants, mutable
        self._values = [self._parsed(one.val, at) for at, one in enumerate(plan.values)]

    def __getitem__(self, at: int) -> Any:
        """As it is held: a `TensorValue`, a number, a list of numbers of values, ..."""
        if not 0 <= at < len(self._values):
            raise ModelError(f"damaged, it has no value {at}")
        return self._values[at]

    def __setitem__(self, at: int, value: Any) -> None:
        self[at]  # for its check
        self._values[at] = value

    def read(self, at: int) -> Any:
        """As an operator of PyTorch takes it: tensors as views of their memory, lists with their elements."""
        value = self[at]
        if isinstance(value, ListOf):
            return [None if one < 0 else _operand(self[one]) for one in value.items]
        return _operand(value)

    def write(self, at: int, result: Any) -> None:
        """Put an operator's result where the plan has it.

        That is a tensor's memory, or the place of another value.

        Args:
            at: number of the value in the plan.
            result: a tensor, a list of them, or another value.
        """
        value = self[at]
        if isinstance(value, TensorValue):
            value.assign(result)
        elif isinstance(value, ListOf):
            for one, part in zip(self.tensors(at), result, strict=True):
                one.assign(part)
        else:
            self[at] = result

    def tensors(self, at: int) -> list[TensorValue]:
        """The tensors that a value is or lists. Raises ModelError if it is something else."""
        value = self[at]
        found = [self[one] for one in value.items] if isinstance(value, ListOf) else [value]
        if not all(isinstance(one, TensorValue) for one in found):
            raise ModelError(f"damaged, value {at} is no tensor")
        return found

    def _parsed(self, value: Any, at: int) -> Any:
        kind = type(value).__name__
        if kind == "Tensor":
            return self._tensor(value, at)
        if kind in ("IntList", "TensorList", "OptionalTensorList"):
            return ListOf(tuple(value.items))
        if kind in ("BoolList", "DoubleList"):
            return list(value.items)
        if kind == "Double":
            return float(value.double_val)  # infinities are strings
        if kind == "Null":
            return None
        return getattr(value, {"Int": "int_val", "Bool": "bool_val", "String": "string_val"}[kind])

    def _tensor(self, meta: Any, at: int) -> TensorValue:
        import torch

        rank = len(meta.sizes)
        if meta.storage_offset or sorted(meta.dim_order) != list(range(rank)) or min(meta.sizes, default=0) < 0:
            raise ModelError(f"damaged, value {at} is no tensor that a runtime takes")
        if meta.extra_tensor_info is not None and int(meta.extra_tensor_info.location) != 0:
            name = meta.extra_tensor_info.fully_qualified_name
            raise ModelError(f"its constant {name} lies in a separate .ptd file, which is not read")
        tensor = TensorValue(meta, None)
        where, start = meta.allocation_info, meta.data_buffer_idx
        if where is not None:
            tensor.memory = self._planned(where.memory_id, where.memory_offset, tensor, at)
            if start:
                tensor.memory.copy_(_content(self._mutable, start, tensor.nbytes, at))
        elif start:
            tensor.memory = _content(self._constants, start, tensor.nbytes, at)
        elif not tensor.nbytes:
            tensor.memory = torch.empty(0, dtype=torch.uint8)
        return tensor

    def _planned(self, buffer: int, offset: int, tensor: TensorValue, at: int) -> torch.Tensor:
        known = 0 < buffer < len(self._buffers)
        if not known or offset + tensor.nbytes > len(self._buffers[buffer]) or offset % tensor.dtype.itemsize:
            raise ModelError(f"damaged, value {at} lies outside its memory")
        return self._buffers[buffer][offset : offset + tensor.nbytes]


def _content(buffers: Sequence[Any], number: int, size: int, at: int) -> torch.Tensor:
    """The first bytes of a buffer of the file, as a copy."""
    import torch

    content = bytes(buffers[number].storage[:size]) if number < len(buffers) else b""
    if len(content) != size:
        raise ModelError(f"damaged, the content of value {at} is not in it")
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


def _operand(value: Any) -> Any:
    if isinstance(value, ListOf):
        raise ModelError("damaged, a list in it lists lists")
    return value.tensor if isinstance(value, TensorValue) else value


def _dtype(scalar_type: int) -> torch.dtype:
    import torch

    if int(scalar_type) not in _DTYPES:
        raise ModelError(f"a tensor in it has the element type {int(scalar_type)}, which is not known")
    dtype: torch.dtype = getattr(torch, _DTYPES[int(scalar_type)])
    return dtype
