"""Check inputs on which the default lowering does nothing that TOSA leaves undefined.

A scale that was calibrated on zeros alone is so large that other values overflow, for instance. There is nothing that a
candidate must compute from such inputs, which are therefore left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from search_space.ir.graph import Graph
from workers.cache.memo import Memo
from workers.checking.check_inputs import CheckInput, check_inputs, more_random_inputs, narrow_random_inputs
from workers.checking.reference import run_on_each
from workers.checking.reference_check import Outputs
from workers.errors import ReferenceFailed

Computed = TypeVar("Computed", bound=Outputs)


class DefinedInputs:
    """Of the programs of a default lowering.

    Undefined inputs are looked for only after the reference model refused some, since that runs whole programs.
    """

    def __init__(
        self, defaults: Sequence[Graph], calibration: Sequence[Sequence[Sequence[np.ndarray]]], seed: int, memo: Memo,
        key: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Take all inputs as defined until the reference model refuses some.

        Args:
            defaults: the default program of each delegate.
            calibration: samples for each delegate, each with one array for each of its inputs.
            seed: of random inputs.
            memo: keeps which inputs are left out.
            key: what the check inputs and the toolchain are.
        """
        self._arguments = [(default, one, seed) for default, one in zip(defaults, calibration, strict=True)]
        self._memo, self._key = memo, dict(key)
        self._left_out: dict[int, list[int]] = {}

    def of(self, at: int, more: bool) -> list[CheckInput]:
        """The check inputs of a delegate, without those that it is not defined on.

        Args:
            at: number of the delegate, from 0.
            more: with more random inputs.

        Returns:
            The sets.
        """
        if at not in self._left_out:
            known = self._memo.get(**self._asked(at))
            self._left_out[at] = known["left out"] if known else []
        return _kept(*self._arguments[at], more, self._left_out[at])

    def leave_out(self) -> bool:
        """Look for undefined inputs; whether there are others than was known."""
        found = False
        for at, arguments in enumerate(self._arguments):
            try:
                left_out = _undefined(*arguments)
            except ReferenceFailed:
                return False
            if left_out != self._left_out.get(at, []):
                found = True
                self._left_out[at] = left_out
                self._memo.put_if_possible({"left out": left_out}, **self._asked(at))
        return found

    def _asked(self, at: int) -> dict[str, Any]:
        return {**self._key, "kind": "undefined inputs", "delegate": at}


def on_defined_inputs(
    made: Callable[[Sequence[CheckInput]], Computed], default: Graph, calibration: Sequence[Sequence[np.ndarray]],
    seed: int, more: bool = False,
) -> Computed:  # fmt: skip
    """What programs compute on the check inputs, as far as what `default` computes from them is defined.

    Args:
        made: of inputs, such as `workers.checking.incremental_values.Values`.
        default: the default program of a delegate.
        calibration: samples, each with one array for each input of the program.
        seed: of random inputs.
        more: also on more random inputs.

    Returns:
        What `made` made of the inputs that are left.

    Raises:
        ReferenceFailed: `default` is not defined on a calibration input or on any random one, or cannot be run.
    """
    computed = made(_kept(default, calibration, seed, more, ()))
    try:
        computed.outputs(default)
    except ReferenceFailed:
        computed = made(_kept(default, calibration, seed, more, _undefined(default, calibration, seed)))
    return computed


def _undefined(default: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int) -> list[int]:
    """Places among all sets of those on which what the program computes is not defined. Raises as
    `on_defined_inputs`."""
    found, last, any_random = [], None, False
    for at, one in enumerate(_kept(default, calibration, seed, True, None)):
        try:
            run_on_each(default, [one.arrays])
        except ReferenceFailed as error:
            last = ReferenceFailed(f"{error} on {one.kind} inputs", undefined=error.undefined)
            if one.kind == "calibration" or not error.undefined:
                raise last from error
            found.append(at)
        else:
            any_random |= one.kind == "random"
    if last is not None and not any_random:
        raise last
    return found


def _kept(
    default: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int, more: bool, left_out: Sequence[int] | None
) -> list[CheckInput]:
    """The sets that are not left out; None if that is to be found out. A random one comes first: streams are run on it
    alone where that is enough."""
    sets = check_inputs(default, calibration, seed)
    few = len(sets)
    if more or left_out:
        sets += more_random_inputs(default, calibration, seed)
    if left_out is None or left_out:
        sets += narrow_random_inputs(default, calibration, seed)
    kept = [at for at in range(len(sets)) if at not in (left_out or ())]
    if left_out:
        kept.sort(key=lambda at: sets[at].kind != "random")
    return [sets[at] for at in kept if more or at < few or at == kept[0]]
