"""Where the float program can be written in another way before ExecuTorch quantises it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from workers.errors import ModelError

if TYPE_CHECKING:
    from executorch.backends.arm.quantizer import TOSAQuantizer
    from torch.fx import GraphModule, Node

#: What is done to a quantiser and the exported module that it is given.
Preparation = Callable[["TOSAQuantizer", "GraphModule"], None]

#: Adds a call of an operator (the first argument) with positional arguments to a graph.
Call = Callable[..., "Node"]

#: Of what a node carries: where it is in the user's model, and marks of passes.
_KEPT = ("nn_module_stack", "stack_trace", "custom")


@contextmanager
def before_quantising(element: str, prepare: Preparation) -> Iterator[None]:
    """Inside the block, this thread's Arm quantisers and their modules are prepared before, in place.

    It is the first thing that prepare_pt2e asks a quantiser for. It is also the last time that a quantiser sees the
    exported operators.

    Args:
        element: of the recipe that asks for it, for messages.
        prepare: changes a module, or tells the quantiser how to quantise it.

    Yields:
        Nothing.

    Raises:
        ModelError: at the end, there was no quantiser: what is lowered would pass for what it is not.
    """
    from executorch.backends.arm.quantizer import TOSAQuantizer

    stock, this_thread = TOSAQuantizer.transform_for_annotation, threading.get_ident()
    asked = False

    def transform(self: TOSAQuantizer, model: GraphModule) -> GraphModule:
        nonlocal asked
        if threading.get_ident() == this_thread:
            asked = True
            prepare(self, model)
        return stock(self, model)

    with patch.object(TOSAQuantizer, "transform_for_annotation", transform):
        yield
    if not asked:
        raise ModelError(f"{element}: the model has to be quantised where this recipe is applied")


def caller(model: GraphModule, like: Node) -> Call:
    """A function that adds calls to a graph.

    They pass for operators of the same module of the user's as a given one.

    Args:
        model: the graph's.
        like: the operator that they stand for.

    Returns:
        A function of an operator and its arguments. The new node knows the shape and type of its result.
    """
    from torch.fx import Node
    from torch.utils import _pytree as pytree

    kept: dict[str, Any] = {name: like.meta[name] for name in _KEPT if name in like.meta}

    def call(target: Any, *arguments: Any) -> Node:
        node = model.graph.call_function(target, arguments)
        values = pytree.tree_map(lambda one: one.meta["val"] if isinstance(one, Node) else one, arguments)
        with like.meta["val"].fake_mode:
            node.meta = {**kept, "val": target(*values)}
        return node

    return call
