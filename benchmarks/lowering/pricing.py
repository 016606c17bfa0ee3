"""Programs lowered by stock ExecuTorch, by recipes, and what both cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from search_space.choices.frontend.base import Setting
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from tuner.paths import cache_folder
from workers.backend.job import Job
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import load_or_lower, toolchain_versions
from workers.ethos_u.lowering.frontend_settings import base_by
from workers.ethos_u.target import Target
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import DelegateCosts, Pricing
from workers.output_capture import captured

Program = list[Graph]


@dataclass(frozen=True)
class Bench:
    """Lowers and prices for one target."""

    accelerator: str

    @cached_property
    def target(self) -> Target:
        return Target.parse(self.accelerator)

    @cached_property
    def facts(self) -> VelaFacts:
        return VelaFacts(self.target, self._memo, toolchain_versions())

    @cached_property
    def _pricing(self) -> Pricing:
        return Pricing(self.target, self._memo, toolchain_versions())

    @cached_property
    def _memo(self) -> Memo:
        return Memo(cache_folder() / "memo")

    def lowered(self, source: str, setting: Setting = ()) -> Program:
        """As stock ExecuTorch does it, or by a setting; from velatune's cache if it is there."""
        with captured():
            base = load_or_lower(source, self.target, cache_dir=cache_folder() / "lowered", seed=0)
            if setting:
                base = base_by(base, setting, Job(source, self.target, cache_folder(), 0))
        return [verify(read_tosa(graph)) for graph in base.graphs]

    def applied(self, recipe: str, program: Program) -> Program:
        """The program by a recipe. Raises SpaceError if a pass breaks it."""
        return [verify(Recipe.parse(recipe).apply(graph, self.facts)) for graph in program]

    def cost(self, program: Program) -> DelegateCosts:
        """What the NPU's part costs. Raises VelaRefused."""
        return self._pricing.cost(program, 0)
