"""Does the command stream that Vela emits compute what the TOSA program does, bit for bit?

Vela miscompiles some programs: docs/vela-miscompilations.md. So its output is executed by `workers.npu_model` and
compared with the program's own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from search_space.graph import Graph
from workers.command_stream import StreamError
from workers.cost import Pricing
from workers.first_difference import first_difference
from workers.memo import Memo
from workers.npu_model import MODEL_VERSION, Fault, Unmodelled, claims, execute, guard, hazards
from workers.npu_model.operation_cache import OperationCache
from workers.reference_check import Outputs, Verdict
from workers.stream_interface import compared, used_inputs

#: Bytes of the values of operations that are kept: candidates of one model have most operations in common.
_KEPT_BYTES = 128 << 20


class StreamCheck:
    """Executes command streams for one base program and target; verdicts are remembered in the memo.

    Args:
        pricing: compiles programs.
        key: what the check inputs and the toolchain are, part of what a verdict is remembered under.
    """

    def __init__(self, pricing: Pricing, memo: Memo, key: Mapping[str, Any]) -> None:
        self._pricing, self._memo, self._key = pricing, memo, dict(key)
        self._cache = OperationCache(_KEPT_BYTES)

    def verdict(self, graph: Graph, computed: Outputs, sets: int | None, explained: bool = False) -> Verdict:
        """Compare what a program's command stream computes with what the program computes.

        Args:
            graph: one delegate's program, which Vela compiles.
            computed: gives the program's outputs on the check inputs.
            sets: how many of the check inputs are run, from the first. None for all of them; then the stream's waits
                are checked as well, which takes longer than a run.
            explained: name the first operation that goes wrong, which takes longer than to find out that one does.

        Raises:
            VelaRefused: Vela does not compile the program.
            ReferenceFailed: the reference model does not run the program.
        """
        key = {
            **self._key, "kind": "stream verdict", "graph": graph.hash, "sets": sets, "explained": explained,
            "NPU model": MODEL_VERSION,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            verdict = self._executed(graph, computed, sets)
            if explained and not verdict.equal:
                first = first_difference(graph, self._pricing.emitted(graph).compiled, computed.inputs[0])
                verdict = Verdict(False, f"{verdict.reason}; {first}") if first else verdict
            known = asdict(verdict)
            self._memo.put_if_possible(known, **key)
        return Verdict(**known)

    def _executed(self, graph: Graph, computed: Outputs, sets: int | None) -> Verdict:
        try:
            emitted = self._pricing.emitted(graph)
            program, decoded = emitted.compiled.npu_program, emitted.decoded
            if len(program.outputs) != len(graph.outputs):
                # Also where one that is left out holds what another one does: the runtime tells outputs by their place.
                found = f"{len(program.outputs)} outputs instead of {len(graph.outputs)}"
                return Verdict(False, f"the command stream has {found}")
            inputs = computed.inputs[:sets]
            given = [np.stack(arrays) for arrays in zip(*(one.arrays for one in inputs), strict=True)]
            outputs = execute(program, used_inputs(graph, program, given), decoded=decoded, cache=self._cache)
            expected = [np.stack(arrays[:sets]) for arrays in computed.outputs(graph)]
            verdict = compared(graph, program, expected, outputs, [one.kind for one in inputs])
            if not verdict.equal:
                return verdict
            violations = guard(program, decoded, claims(graph, emitted.compiled.operators))
            if sets is None:
                violations += hazards(program, decoded)
        except (Fault, StreamError) as error:
            return Verdict(False, f"the command stream cannot run: {error}")
        except Unmodelled as error:
            return Verdict(False, f"the command stream cannot be executed here: {error}")
        if violations:
            return Verdict(False, f"the command stream breaks a rule of the NPU: {violations[0]}")
        return Verdict(True)
