"""One candidate: an edge program through ExecuTorch's passes for Cortex-M, with rewrites of our own between them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from torch.export import ExportedProgram
from torch.fx import GraphModule

from workers.cache.lru import LRU
from workers.cortex_m.lowering.copied import copied
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.target import InstructionSet, Target
from workers.errors import ModelError, one_line
from workers.models.error_place import advice

Rewrites = tuple[Rewrite, ...]

#: Programs that candidates have in common, kept in memory; they share their weights.
_KEPT = 128

T = TypeVar("T")


class Lowering:
    """Lowers one edge program by any rewrites, in steps that candidates share.

    ExecuTorch's passes run in their order. A rewrite runs before the pass that it names, or after all of them. What two
    candidates begin with in common is done once.
    """

    def __init__(
        self, edge: ExportedProgram, target: Target, without: Sequence[str] = (), explicit_layout: bool = True
    ) -> None:
        """Lower nothing yet.

        Args:
            edge: the quantised edge program; it is left as it is.
            target: to lower for.
            without: names of ExecuTorch's passes to leave out.
            explicit_layout: the pipeline with explicit NHWC layouts; else ExecuTorch's default one.

        Raises:
            ModelError: ExecuTorch has no pass of a name in `without`.
        """
        from executorch.backends.cortex_m.target_config import CortexMTargetConfig

        from workers.cortex_m.lowering.pipeline.passes import passes_in_order

        upstream = passes_in_order(explicit_layout)
        names = [one.__name__ for one in upstream]
        _check_names(without, names)
        self._edge, self._target, self._names = edge, target, names
        self._config = CortexMTargetConfig.from_target_string(target.counted_on)
        self._upstream = [one if one.__name__ not in without else None for one in upstream]
        self._reached: LRU[ExportedProgram] = LRU(_KEPT)
        self._finished: LRU[ExportedProgram] = LRU(_KEPT)

    @cached_property
    def _passes(self) -> list[type[Any] | None]:
        """The passes that this model goes through, None for those that are left out.

        ExecuTorch's own passes move no layouts past the operators that some of ours make. So these are for models that
        are refused without them.
        """
        from workers.cortex_m.lowering.pipeline.passes import FOR_REFUSED_MODELS

        plain = [one if one is None or one.__name__ not in FOR_REFUSED_MODELS else None for one in self._upstream]
        if plain == self._upstream:
            return plain
        try:
            program = self._run(copied(self._edge), [one for one in plain if one is not None])
        except Exception:  # passes raise whatever the graph makes them raise
            return self._upstream
        self._reached.find(((), len(plain)), lambda: program)
        return plain

    def in_order(self, rewrites: Iterable[Rewrite]) -> Rewrites:
        """Rewrites in the order in which they run, without those that have no site where they run.

        Args:
            rewrites: in the order of a recipe.

        Returns:
            Those that change the program; two recipes with equal ones give one program.

        Raises:
            ModelError: a pass fails, or ExecuTorch has none of the name that a rewrite gives.
        """
        effective: Rewrites = ()
        for one in sorted(rewrites, key=self._place):  # those at one place stay in their order
            found = len(self.sites(effective, one))
            if any(number <= found for number in one.numbers or (1,)):
                effective = (*effective, one)
        return effective

    def sites(self, rewrites: Rewrites, one: Rewrite) -> list[str]:
        """Names of the sites that a rewrite has.

        Args:
            rewrites: of the program, as `in_order` gives them. Those that run at a later place do not matter.
            one: the rewrite, which runs after them; its own `at` does not matter.

        Returns:
            Names of operators in program order.

        Raises:
            ModelError: as `in_order`.
        """
        place = self._place(one)
        program = self._at(tuple(before for before in rewrites if self._place(before) <= place), place)
        opened = Program(program.graph_module, program, self._config, self._target.instruction_set)
        return self._tried(lambda: [node.name for node in one.sites(opened)])

    def lowered(self, rewrites: Rewrites) -> ExportedProgram:
        """The program that runs on the target, in operators of `cortex_m` and portable ones.

        Args:
            rewrites: as `in_order` gives them.

        Returns:
            The program; it is kept, and nobody may change it.

        Raises:
            ModelError: as `in_order`.
        """

        def made() -> ExportedProgram:
            from executorch.backends.cortex_m.passes import AtenToCortexMPass
            from executorch.exir.program._program import lift_constant_tensor_pass

            program = copied(self._at(rewrites, len(self._passes)))
            if any(one.before is None for one in rewrites):
                # It finds the sizes of scratch buffers again, for kernels that rewrites replaced.
                program = self._run(program, [AtenToCortexMPass])
            lifted: ExportedProgram = lift_constant_tensor_pass(program)
            return lifted

        return self._finished.find(rewrites, lambda: self._tried(made))

    def _at(self, rewrites: Rewrites, place: int) -> ExportedProgram:
        """The program after the first `place` passes of ExecuTorch and after rewrites, all of which run by then."""

        def made() -> ExportedProgram:
            before = self._place(rewrites[-1]) if rewrites else 0
            if place > before:
                passes = [one for one in self._passes[before:place] if one is not None]
                return self._run(copied(self._at(rewrites, before)), passes)
            if not rewrites:
                return self._edge
            return self._run(
                copied(self._at(rewrites[:-1], place)), [_pass_class(rewrites[-1], self._target.instruction_set)]
            )

        return self._reached.find((rewrites, place), lambda: self._tried(made))

    def _run(self, program: ExportedProgram, passes: Sequence[type[Any]]) -> ExportedProgram:
        """As `CortexMPassManager.transform` does, which lifts constants after every list of passes."""
        from executorch.exir.program._program import _transform

        for one in passes:
            known = {"exported_program": program, "target_config": self._config}
            asked = inspect.signature(one).parameters
            program = _transform(program, one(**{name: value for name, value in known.items() if name in asked}))
        return program

    def _place(self, one: Rewrite) -> int:
        if one.before is None:
            return len(self._upstream)
        _check_names([one.before], self._names)
        return self._names.index(one.before)  # of a pass that upstream runs twice, before its first run

    def _tried(self, do: Callable[[], T]) -> T:
        try:
            return do()
        except ModelError:
            raise
        except Exception as error:  # passes raise whatever the graph makes them raise
            cause = _first_cause(error)
            reason = f"{one_line(cause)}{advice(cause)}"
            raise ModelError(f"ExecuTorch cannot lower the model for {self._target.cpu}: {reason}") from error


def _first_cause(error: BaseException) -> BaseException:
    """What an error is about: ExecuTorch raises others from it, which name a pass alone."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _check_names(names: Iterable[str], upstream: Sequence[str]) -> None:
    for name in names:
        if name not in upstream:
            raise ModelError(f"ExecuTorch's pipeline has no pass {name}; it has {', '.join(sorted({*upstream}))}")


def _pass_class(rewrite: Rewrite, instruction_set: InstructionSet) -> type[Any]:
    """A rewrite as a pass of ExecuTorch's, which finds the shapes of all values anew."""
    from executorch.exir.pass_base import ExportPass, PassResult

    class Inserted(ExportPass):
        def __init__(self, exported_program: ExportedProgram, target_config: Any) -> None:
            super().__init__()
            self._exported, self._config = exported_program, target_config

        def call(self, graph_module: GraphModule) -> PassResult:
            rewrite.apply(Program(graph_module, self._exported, self._config, instruction_set))
            return PassResult(super().call(graph_module).graph_module, True)

    Inserted.__name__ = Inserted.__qualname__ = f"Inserted[{rewrite}]"
    return Inserted
