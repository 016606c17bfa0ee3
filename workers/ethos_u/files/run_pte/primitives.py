"""Kernels that are part of ExecuTorch's runtime: on numbers such as sizes, and on where tensors lie.

They follow kernels/prim_ops of ExecuTorch (register_prim_ops.cpp, et_view.cpp, et_copy_index.cpp).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from workers.errors import ModelError
from workers.ethos_u.files.run_pte.values import Values

#: Does a call; takes the values and the numbers of its arguments: the schema's, `out` ones too, then the result.
Kernel = Callable[[Values, Sequence[int]], None]


def _on_numbers(function: Callable[..., Any]) -> Kernel:
    """One that takes numbers and puts a number in place of its last argument."""

    def call(values: Values, arguments: Sequence[int]) -> None:
        operands = [values.read(one) for one in arguments[:-1]]
        try:
            values[arguments[-1]] = function(*operands)
        except (ArithmeticError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
            raise ModelError(f"a number cannot be computed from {operands}") from error

    return call


def _quotient(a: int, b: int) -> int:
    """As in C, towards zero."""
    return int(abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1)


def _view(values: Values, arguments: Sequence[int]) -> None:
    """et_view: another shape of a tensor, in the same memory."""
    (source,), sizes, (view,) = values.tensors(arguments[0]), values.read(arguments[1]), values.tensors(arguments[2])
    if -1 in sizes:
        known = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(source.sizes) // known if known else 0
    view.resize(sizes)
    if view.nbytes != source.nbytes:
        raise ModelError(f"damaged, {list(source.sizes)} is viewed as {list(sizes)}")
    view.memory = source.memory


def _copy_index(values: Values, arguments: Sequence[int]) -> None:
    """et_copy_index: writes a tensor to a place in a larger one, which grows up to there."""
    (target,), (source,), index = values.tensors(arguments[0]), values.tensors(arguments[1]), values.read(arguments[2])
    target.resize((index + 1, *source.sizes))
    target.bytes[index * source.nbytes :].copy_(source.bytes)


PRIMITIVES: Mapping[str, Kernel] = {
    "aten::sym_size.int": _on_numbers(lambda tensor, axis: int(tensor.shape[axis])),
    "aten::sym_numel": _on_numbers(lambda tensor: int(tensor.numel())),
    "aten::_local_scalar_dense": _on_numbers(lambda tensor: tensor.flatten()[0].item()),
    "executorch_prim::sym_max.Scalar": _on_numbers(max),
    "executorch_prim::sym_min.Scalar": _on_numbers(min),
    "executorch_prim::add.Scalar": _on_numbers(operator.add),
    "executorch_prim::sub.Scalar": _on_numbers(operator.sub),
    "executorch_prim::mul.Scalar": _on_numbers(operator.mul),
    "executorch_prim::floordiv.Scalar": _on_numbers(operator.floordiv),
    "executorch_prim::floordiv.int": _on_numbers(_quotient),
    "executorch_prim::truediv.Scalar": _on_numbers(operator.truediv),
    "executorch_prim::mod.Scalar": _on_numbers(lambda a, b: a - b * _quotient(a, b)),
    "executorch_prim::mod.int": _on_numbers(lambda a, b: a - b * _quotient(a, b)),
    "executorch_prim::neg.Scalar": _on_numbers(operator.neg),
    "executorch_prim::eq.Scalar": _on_numbers(operator.eq),
    "executorch_prim::gt.Scalar": _on_numbers(operator.gt),
    "executorch_prim::lt.Scalar": _on_numbers(operator.lt),
    "executorch_prim::ge.Scalar": _on_numbers(operator.ge),
    "executorch_prim::le.Scalar": _on_numbers(operator.le),
    "executorch_prim::sym_not.Scalar": _on_numbers(operator.not_),
    "executorch_prim::sym_ite.Scalar": _on_numbers(lambda condition, yes, no: yes if condition else no),
    "executorch_prim::sym_float.Scalar": _on_numbers(float),
    "executorch_prim::sym_int.Scalar": _on_numbers(int),
    "executorch_prim::ceil.Scalar": _on_numbers(math.ceil),
    "executorch_prim::round.Scalar": _on_numbers(round),
    "executorch_prim::trunc.Scalar": _on_numbers(math.trunc),
    "executorch_prim::et_copy_index.tensor": _copy_index,
    "executorch_prim::et_view.default": _view,
}
