"""Emission of a layout map as TRANSPOSE and RESHAPE operators."""

from __future__ import annotations

from search_space.ir.graph import Step
from search_space.ir.layout_map import LayoutMap, Shape


def plan(layout: LayoutMap) -> tuple[Step, ...]:
    """The shortest sequence of TRANSPOSE and RESHAPE for a map.

    It is empty for the identity and has one operator where one suffices. Otherwise it transposes the input's own
    dimensions, or ends in the output's own, in preference to merged atoms.
    """
    if layout.is_identity:
        return ()
    if layout.keeps_order:
        return (Step("reshape", layout.out_shape),)
    if layout.perms is not None:
        return (Step("transpose", layout.perms),)
    forwards = layout.whole_dims
    if forwards is not None:
        return _finish(layout.in_shape, (Step("transpose", forwards),), layout.out_shape)
    backwards = layout.inverse.whole_dims
    if backwards is not None:
        perms = tuple(backwards.index(d) for d in range(len(backwards)))
        before = tuple(layout.out_shape[d] for d in backwards)
        return _finish(layout.in_shape, (Step("reshape", before), Step("transpose", perms)), layout.out_shape)
    return merged(layout)


def merged(layout: LayoutMap) -> tuple[Step, ...]:
    """The TRANSPOSE of the normal form, which has the fewest and largest dimensions, with its reshapes."""
    if layout.keeps_order:
        return plan(layout)
    steps = (Step("reshape", layout.atoms), Step("transpose", layout.order))
    return _finish(layout.in_shape, steps, layout.out_shape)


def _finish(shape: Shape, steps: tuple[Step, ...], out_shape: Shape) -> tuple[Step, ...]:
    """Leave out a first reshape to the shape that is there, add a last one if the result has another shape."""
    if steps[0].kind == "reshape" and steps[0].argument == shape:
        steps = steps[1:]
    for step in steps:
        shape = step.result(shape)
    return steps if shape == out_shape else (*steps, Step("reshape", out_shape))
