"""This toolchain, as the results service knows it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.service.backend import Explained
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import SPACE_VERSION
from tuner.tuning.best.ablation import without_each
from tuner.tuning.identity import with_extensions
from tuner.tuning.objective import Objective
from workers.backend.registry import backends
from workers.models.suite import MODELS


class Toolchain:
    """Implements `results.service.backend.Backend`."""

    def __init__(self) -> None:
        self.toolchains = {family: with_extensions(one.versions()) for family, one in backends().items()}
        self.search_space_version = SPACE_VERSION
        self.models: Mapping[str, str] = {name: model.description for name, model in MODELS.items()}
        # -P: a working folder with somebody's file in it is no place to import from.
        self.inspect_command: Sequence[str] = (sys.executable, "-P", "-m", "workers.models.inspect_model")
        self.job_command: Sequence[str] = (sys.executable, "-P", "-m", "tuner.service.job_process")

    def refusal(self, target: str, board: Mapping[str, str], objective: str | None) -> str:
        """See the protocol.

        Args:
            target: name of the target, as the request has it.
            board: options of the board by name.
            objective: as the request has it; None for the family's usual one.

        Returns:
            As the protocol says.
        """
        backend = next((one for one in backends().values() if re.fullmatch(one.names, target)), None)
        if backend is None:
            return f"target: no device of this name, such as {' or '.join(one.example for one in backends().values())}"
        # A file is one of the machine that the job runs on.
        facts = [one.name for one in backend.board_options if not one.is_file]
        unknown = sorted(set(board) - set(facts))
        if unknown:
            return f"board.{unknown[0]}: a board has {' and '.join(facts) or 'no facts'}"
        kinds = backend.objectives
        return f"objective: none of {', '.join(kinds)}" if objective not in (None, *kinds) else ""

    def explain(self, best: Best, evaluations: Iterable[Evaluation]) -> Explained:
        """See the protocol. A recipe with elements that this version does not know is shown without explanations.

        Args:
            best: what to explain.
            evaluations: all of the best's identity.

        Returns:
            As the protocol says.
        """
        limits = Objective.limits_in(best.identity.objective)
        try:
            return Explained(Recipe.parse(best.recipe).laws(), without_each(best.recipe, evaluations), limits)
        except SpaceError:
            return Explained({}, (), limits)
