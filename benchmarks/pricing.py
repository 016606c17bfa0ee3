"""Programs lowered by stock ExecuTorch, by recipes, and what both cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from search_space.graph import Graph
from search_space.read_tosa import read_tosa
from search_space.recipe import Recipe
from search_space.upstream import Setting
from search_space.verifier import verify
from tuner.paths import cache_folder
from workers.base_program import load_or_lower, toolchain_versions
from workers.cost import Cost, Pricing
from workers.memo import Memo
from workers.quiet import captured
from workers.settings import base_by
from workers.target import Target
from workers.tasks import Job
from workers.vela_facts import VelaFacts

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

    def cost(self, program: Program) -> Cost:
        """What the NPU's part costs. Raises VelaRefused."""
        return self._pricing.cost(program, 0)
