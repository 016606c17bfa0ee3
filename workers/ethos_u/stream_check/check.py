"""Does the command stream that Vela emits compute what the TOSA program does, bit for bit?

Vela miscompiles some programs: docs/vela-miscompilations.md. So its output is executed by `workers.ethos_u.npu_model`
and compared with the program's own outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from search_space.ir.graph import Graph
from workers.cache.memo import Memo
from workers.checking.reference_check import Outputs
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import StreamError
from workers.ethos_u.npu_model import MODEL_VERSION
from workers.ethos_u.npu_model.machine.operation_cache import OperationCache
from workers.ethos_u.stream_check.verdict import stream_verdict
from workers.ethos_u.vela.pricing import Pricing

#: Bytes of the values of operations that are kept: candidates of one model have most operations in common.
_KEPT_BYTES = 128 << 20


class StreamCheck:
    """Executes command streams for one base program and target; verdicts are remembered in the memo."""

    def __init__(self, pricing: Pricing, memo: Memo, key: Mapping[str, Any]) -> None:
        """Execute nothing yet.

        Args:
            pricing: compiles programs.
            memo: keeps verdicts.
            key: what the check inputs and the toolchain are, part of what a verdict is remembered under.
        """
        self._pricing, self._memo, self._key = pricing, memo, dict(key)
        self._cache = OperationCache(_KEPT_BYTES)

    def verdict(
        self, graph: Graph, computed: Outputs, whole: bool, on_all: bool = False, named: bool = False
    ) -> Verdict:
        """Compare what a program's command stream computes with what the program computes.

        Args:
            graph: one delegate's program, which Vela compiles.
            computed: gives the program's outputs on the check inputs.
            whole: `computed` is of whole programs, and `on_all` and `named` hold whatever is said.
            on_all, named: as of `stream_verdict`.

        Returns:
            Whether they are equal bit for bit; if not, where.

        Raises:
            VelaRefused: Vela does not compile the program.
            ReferenceFailed: the reference model does not run the program.
        """
        key = {
            **self._key, "kind": "stream verdict", "graph": graph.hash, "whole": whole, "NPU model": MODEL_VERSION,
        }  # fmt: skip
        if not whole:
            key |= {name: True for name, said in (("on all", on_all), ("named", named)) if said}
        known = self._memo.get(**key)
        if known is None:
            known = asdict(self._verdict(graph, computed, whole or on_all, whole or named))
            self._memo.put_if_possible(known, **key)
        return Verdict(**known)

    def _verdict(self, graph: Graph, computed: Outputs, on_all: bool, named: bool) -> Verdict:
        try:
            emitted = self._pricing.emitted(graph)
        except StreamError as error:
            return Verdict(False, f"the command stream cannot run: {error}")
        program, rows = emitted.compiled.npu_program, emitted.compiled.operators
        return stream_verdict(
            graph, program, rows, computed, on_all=on_all, named=named, decoded=emitted.decoded, cache=self._cache
        )
