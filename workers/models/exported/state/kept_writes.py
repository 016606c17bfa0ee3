"""Whether what a model writes in place is still written once ExecuTorch's quantiser has been over it.

The quantiser gives every reader of a value a dequantised copy of its own. It turns add_, sub_, mul_ and div_ into
operators that leave their operand as it is (RewriteInplaceArithmeticPass). A write such as `y[:, :2] = z` then reaches
a copy that nobody reads. The lowered program goes on with the old values, without a word.

The check runs the prepared module with a copy for each reader of an observer. Observers change no value. But for
rounding in float, its outputs are the model's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Interpreter
from torch.fx.node import map_arg
from torchao.quantization.pt2e import ObserverBase

from workers.errors import ModelError
from workers.models.error_place import line_of
from workers.models.exported.shared_memory import memory_of, writes_for_others
from workers.models.exported.state.module_state import state_kept
from workers.models.exported.tensors import agree, copied, tensors

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

_RUNS = 2


def check_kept_writes(program: ExportedProgram, prepared: GraphModule, samples: Sequence[tuple[Any, ...]]) -> None:
    """Compare a model with its prepared form over two runs, the second from the first one's state.

    Args:
        program: the float model, as torch.export gives it.
        prepared: by `prepare_pt2e`; its buffers and observers are left as they are.
        samples: argument tuples.

    Raises:
        ModelError: they compute something else.
    """
    writes = writes_for_others(program)
    if not writes:
        return
    module = program.module(check_guards=False)
    runs = [samples[at % len(samples)] for at in range(_RUNS)]
    with state_kept(module):
        expected = [copied(tensors(module(*copied(sample)))) for sample in runs]
    with state_kept(prepared):
        found = [copied(tensors(_Copying(prepared).run(*copied(sample)))) for sample in runs]
    if all(map(agree, itertools.chain(*expected), itertools.chain(*found))):
        return
    changing = {memory_of(node) for node in writes if _depends_on_inputs(program, node)}
    folded = [node for node in writes if memory_of(node) not in changing]
    wide = [node for node in writes if _is_int64_buffer(program, memory_of(node))]
    places = ", ".join(dict.fromkeys(line_of(node) for node in wide or folded or writes))
    if wide:
        why = f"its quantiser gives int64 buffers a copy in int32, and writes in place reach that copy alone ({places})"
        instead = (
            "keep counters and positions in int32 buffers, such as torch.zeros(1, dtype=torch.int32), and write them "
            "with copy_, such as `count.copy_(count + 1)`"
        )
    elif folded:
        why = f"its quantiser folds constants, and takes what is written in place for one ({places})"
        instead = "write the new value with copy_, such as `count.copy_(count + 1)`, or make it an input and an output"
    else:
        why = (
            f"its quantiser gives every reader a copy, and what is written in place does not reach them all ({places})"
        )
        instead = (
            "compute a new tensor instead, such as by torch.cat or torch.where, go on with that, and write to a buffer "
            "once, by copy_"
        )
    raise ModelError(f"ExecuTorch lowers it to a program that computes something else: {why}; {instead}")


def _is_int64_buffer(program: ExportedProgram, memory: Node) -> bool:
    is_buffer = memory.name in program.graph_signature.inputs_to_buffers
    return is_buffer and memory.meta["val"].dtype == torch.int64


def _depends_on_inputs(program: ExportedProgram, node: Node) -> bool:
    """Whether an operator in place is more than constant folding can run. Its copy_ is left alone by that."""
    if str(node.target).startswith("aten.copy_"):
        return True
    given = program.graph_signature.user_inputs
    reached = [node]
    for one in reached:
        reached += [other for other in one.all_input_nodes if other not in reached]
    return any(one.name in given for one in reached)


class _Copying(Interpreter):
    """Gives every reader of what an observer gives a copy, and asks no observer."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(self.fetch_attr(target), ObserverBase):
            return args[0]
        return super().call_module(target, args, kwargs)

    def map_nodes_to_values(self, args: Any, n: Node) -> Any:
        def value_of(node: Node) -> Any:
            value = self.env[node]
            return value.clone() if self._is_observed(node) else value

        return map_arg(args, value_of)

    def _is_observed(self, node: Node) -> bool:
        return node.op == "call_module" and isinstance(self.fetch_attr(str(node.target)), ObserverBase)
