"""The programs that passes make of one quantised model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch.export import ExportedProgram

from search_space.errors import SpaceError
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from workers.cache.lru import LRU
from workers.cortex_m.lowering.candidate import Lowering, Rewrites
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.image_order import ImageOrder
from workers.cortex_m.lowering.program_hash import program_hash
from workers.cortex_m.lowering.unused_constants import without_unused_constants
from workers.cortex_m.passes.base import FloatRewrite, Rewrite
from workers.cortex_m.passes.drop_unused_constants import DropUnusedConstants
from workers.cortex_m.target import Target
from workers.errors import ModelError

#: Lowered programs kept in memory.
_KEPT = 64

FloatRewrites = tuple[FloatRewrite, ...]


@dataclass(frozen=True)
class Candidate:
    """How a model is lowered.

    Attributes:
        rewrites: as `Lowering.in_order` gives them.
        dropped: whether constants that no operator reads are left out of the file.
        requantised: changes of the float model before it was quantised, in alphabetical order.
    """

    rewrites: Rewrites = ()
    dropped: bool = False
    requantised: FloatRewrites = ()


class Candidates:
    """Lowers a model by passes."""

    def __init__(
        self,
        quantised: ExportedProgram,
        target: Target,
        requantise: Callable[[FloatRewrites], ExportedProgram],
        order: ImageOrder,
    ) -> None:
        """Lower nothing yet.

        Args:
            quantised: the model.
            target: to lower for.
            requantise: quantises the model after changes of the float model.
            order: of the images that the caller gives and gets.

        Raises:
            ModelError: the model cannot be lowered to edge operators.
        """
        self._target, self._requantise, self._order = target, requantise, order
        self._quantised = quantised
        self._lowerings: dict[FloatRewrites, Lowering] = {(): Lowering(to_edge(quantised), target)}
        self._programs: LRU[ExportedProgram] = LRU(_KEPT)
        self._hashes: LRU[str] = LRU(_KEPT)

    def by(self, recipe: Recipe) -> Candidate:
        """The candidate that a recipe gives. Raises SpaceError if it is none, or a pass breaks it."""
        if recipe.choices:
            raise SpaceError(f"{recipe.choices[0][0]} is no choice for Cortex-M")
        candidate = Candidate()
        for one in recipe.passes:
            candidate = self.passed(candidate, one)
        return candidate

    def passed(self, candidate: Candidate, one: RecipePass) -> Candidate:
        """A candidate after a pass.

        Args:
            candidate: before it.
            one: the pass.

        Returns:
            The candidate itself if nothing changes.

        Raises:
            SpaceError: it is no pass for Cortex-M, or breaks the program.
        """
        if isinstance(one, DropUnusedConstants):
            after = replace(candidate, dropped=True)
        elif isinstance(one, FloatRewrite):
            changes = {*candidate.requantised, *([one] if self.changes_float_model(one) else [])}
            after = self._in_order(replace(candidate, requantised=tuple(sorted(changes, key=str))))
        elif isinstance(one, Rewrite):
            after = self._in_order(replace(candidate, rewrites=(*candidate.rewrites, one)))
        else:
            raise SpaceError(f"{one.name} is no pass for Cortex-M")
        return candidate if self.hash_of(after) == self.hash_of(candidate) else after

    def lowered(self, candidate: Candidate) -> ExportedProgram:
        """The program that runs on the target. Raises SpaceError if a pass breaks it."""
        return self._programs.find(candidate, lambda: self._made(candidate))

    def hash_of(self, candidate: Candidate) -> str:
        """Of its program. Raises SpaceError if a pass breaks it."""
        return self._hashes.find(candidate, lambda: program_hash(self.lowered(candidate)))

    def changes_float_model(self, one: FloatRewrite) -> bool:
        """Whether a pass has sites in the model before it is quantised."""
        return any(map(one.fits, self._quantised.graph.nodes))

    def sites(self, candidate: Candidate, one: RecipePass) -> list[str]:
        """Names of the sites that a pass has in a program.

        Args:
            candidate: before the pass.
            one: a pass; those that are no rewrites have no sites.

        Returns:
            Names of operators, in program order.
        """
        return self._lowering(candidate).sites(candidate.rewrites, one) if isinstance(one, Rewrite) else []

    def _made(self, candidate: Candidate) -> ExportedProgram:
        if candidate.dropped:
            return without_unused_constants(self.lowered(replace(candidate, dropped=False)))
        try:
            return self._order.outside(self._lowering(candidate).lowered(candidate.rewrites))
        except ModelError as error:
            raise SpaceError(str(error)) from error

    def _in_order(self, candidate: Candidate) -> Candidate:
        try:
            return replace(candidate, rewrites=self._lowering(candidate).in_order(candidate.rewrites))
        except ModelError as error:
            raise SpaceError(str(error)) from error

    def _lowering(self, candidate: Candidate) -> Lowering:
        if candidate.requantised not in self._lowerings:
            quantised = self._requantise(candidate.requantised)
            self._lowerings[candidate.requantised] = Lowering(to_edge(quantised), self._target)
        return self._lowerings[candidate.requantised]
