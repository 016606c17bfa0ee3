"""This toolchain, as the results service knows it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.service.backend import Explained
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import SPACE_VERSION
from tuner.tuning.ablation import without_each
from tuner.tuning.identity import with_extensions
from tuner.tuning.objective import Kind, Objective
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.models.suite import MODELS

_TARGET = re.compile(r"ethos-u(55|65|85)-[0-9]{2,4}")

#: What a job may say of a board. A Vela configuration is a file of the machine that the job runs on.
BOARD_FACTS = ("system_config", "memory_mode")


class Toolchain:
    """Implements `results.service.backend.Backend`."""

    def __init__(self) -> None:
        self.versions = with_extensions(toolchain_versions())
        self.search_space_version = SPACE_VERSION
        self.models: Mapping[str, str] = {name: model.description for name, model in MODELS.items()}
        # -P: a working folder with somebody's file in it is no place to import from.
        self.inspect_command: Sequence[str] = (sys.executable, "-P", "-m", "workers.models.inspect_model")
        self.job_command: Sequence[str] = (sys.executable, "-P", "-m", "tuner.service.job_process")

    def refusal(self, target: str, board: Mapping[str, str], objective: str | None) -> str:
        """See the protocol."""
        if not _TARGET.fullmatch(target):
            return "target: no device of this name, such as ethos-u55-128"
        unknown = sorted(set(board) - set(BOARD_FACTS))
        if unknown:
            return f"board.{unknown[0]}: a board has {' and '.join(BOARD_FACTS)}"
        kinds = get_args(Kind)
        return f"objective: none of {', '.join(kinds)}" if objective not in (None, *kinds) else ""

    def explain(self, best: Best, evaluations: Iterable[Evaluation]) -> Explained:
        """See the protocol. A recipe with elements that this version does not know is shown without explanations."""
        limits = Objective.limits_in(best.identity.objective)
        try:
            return Explained(Recipe.parse(best.recipe).laws(), without_each(best.recipe, evaluations), limits)
        except SpaceError:
            return Explained({}, (), limits)
