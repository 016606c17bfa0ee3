"""Results of searches, kept as Optuna studies.

A study is a journal file per model, target and toolchain, in the data folder.

Optuna's dashboard reads them. A search reads results back and nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.distributions import CategoricalDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from results.records.identity import Identity
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import space_hash
from tuner.search.candidates import Answer, Result, constraints_of
from tuner.search.samplers import SamplerName
from workers.errors import one_line

_log = logging.getLogger(__name__)


class Study:
    """The results of one search, in the order in which they were reported."""

    def __init__(self, journal: optuna.Study) -> None:
        """Results that are kept in a study of Optuna's.

        Args:
            journal: with the results of earlier runs.
        """
        self._journal = journal

    def results(self) -> Iterator[tuple[Recipe, Answer]]:
        """All results: the candidate, and what it turned out to be."""
        return map(_result_in, self._journal.get_trials(deepcopy=False))

    def keep(self, result: Result) -> None:
        """Add a result.

        Args:
            result: kept whole or not at all, whatever kills the process.
        """
        drawn = result.parameters
        trial = create_trial(
            # The cycles of a known candidate are those of another trial: this one only leads on.
            state=TrialState.COMPLETE if result.is_new else TrialState.PRUNED,
            value=result.score if result.is_new else None,
            params={name: value for name, (value, _) in drawn.items()},
            distributions={name: CategoricalDistribution(values) for name, (_, values) in drawn.items()},
            constraints=constraints_of(result.answer.cycles, result.answer.violation) if result.is_new else None,
            user_attrs=_attributes(result),
        )
        self._journal.add_trial(trial)

    def recorded(self, name: str, find: Callable[[], str]) -> str:
        """A text that is kept with the study, found once.

        Args:
            name: of the text.
            find: called only if there is no such text and no result yet.

        Returns:
            The text; empty if a study without it already has results.
        """
        known: str | None = self._journal.user_attrs.get(name)
        if known is None:
            known = "" if self._journal.get_trials(deepcopy=False) else find()
            self._journal.set_user_attr(name, known)
        return known


def open_study(folder: Path, identity: Identity, seed: int, sampler: SamplerName = "local-search") -> Study:
    """The study of an identity, new or as an earlier run left it.

    A journal is appended to, line by line. A line that a killed process left half-written is cut off. One that cannot
    be read is put aside as `.damaged` with a warning, and the search begins anew. The memo has the costs of its
    candidates. Another seed or sampler is another search and has a study of its own. So have other passes and choices,
    since an extension may have come or gone. They are no part of a record's identity: a recipe's cost does not depend
    on who proposed it. So all searches of a model share the store and the memo.

    Args:
        folder: of journals; made if it is missing.
        identity: what the search's results are stored under.
        seed: of the search.
        sampler: of the search.

    Returns:
        The study; what is reported to it is in the journal.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{identity.key[:32]}-{space_hash()[:8]}-{sampler}-seed{seed}.journal"
    # The kernel lets go of it when its holder is killed; Optuna's own locks stay behind then.
    lock = FileLock(f"{path}.lock")
    with lock:
        _cut_half_written(path)
    try:
        return _opened(path, lock)
    except OSError:
        raise
    except Exception as error:  # whatever damaged lines lead Optuna to
        aside = path.with_suffix(".damaged")
        _log.warning("the search's journal is damaged (%s): put aside as %s, begun anew", one_line(error), aside)
        path.replace(aside)
        return _opened(path, lock)


def _opened(path: Path, lock: FileLock) -> Study:
    storage = JournalStorage(_Journal(path, lock))
    study = Study(optuna.create_study(storage=storage, study_name="search", direction="minimize", load_if_exists=True))
    for _ in study.results():  # raises where a line is damaged
        pass
    return study


def _attributes(result: Result) -> dict[str, Any]:
    """What `_result_in` reads."""
    answer = result.answer
    return {
        "recipe": str(result.recipe),
        "program": answer.program,
        "cycles": answer.cycles,
        "violation": answer.violation,
        "path": answer.path,
        "successors": answer.successors,
        "sites": None if answer.sites is None else {str(place): sites for place, sites in answer.sites.items()},
    }


def _result_in(trial: FrozenTrial) -> tuple[Recipe, Answer]:
    attributes: dict[str, Any] = trial.user_attrs
    sites = attributes["sites"]
    if sites is not None:
        sites = {int(place): (tuple(numbers), count) for place, (numbers, count) in sites.items()}
    known = {name: attributes[name] for name in ("program", "cycles", "successors", "violation")}
    return Recipe.parse(attributes["recipe"]), Answer(**known, path=tuple(attributes["path"]), sites=sites)


def _cut_half_written(path: Path) -> None:
    """Optuna would append to it, and stop at the line that comes of that for ever after."""
    if not path.is_file():
        return
    with path.open("r+b") as journal:
        whole = journal.read().rpartition(b"\n")
        journal.truncate(len(whole[0]) + len(whole[1]))


class _Journal(JournalFileBackend):
    """Does not wait for the disk at each trial, which Optuna's own does: a killed process loses nothing so. A power cut
    may drop the latest trials, as it may drop the latest records of the store. The memo still has their costs."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        # It asks for `acquire` and `release`, under a type that is Optuna's own.
        super().__init__(str(path), lock_obj=lock)  # type: ignore[arg-type]
        self._path, self._held = path, lock

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append whole lines."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._held, self._path.open("ab") as file:
            file.write(lines.encode())
