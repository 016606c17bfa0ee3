"""Where Optuna's studies are kept: one journal file per model, target and toolchain, in the user's data folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from results.records.identity import Identity
from search_space.recipe.space import space_hash
from tuner.search.samplers import SamplerName
from tuner.search.search import answer_in
from workers.errors import one_line

_log = logging.getLogger(__name__)


def open_study(folder: Path, identity: Identity, seed: int, sampler: SamplerName = "local-search") -> optuna.Study:
    """The study of an identity, new or as an earlier run left it.

    A journal is appended to, line by line; a line that a killed process left half-written is cut off. One that cannot
    be read is put aside as `.damaged` with a warning and the search begins anew: the memo has what its candidates cost.
    Another seed or sampler is another search and has a study of its own, and so have other passes and choices: an
    extension may have come or gone. They are no part of the identity: what a recipe costs does not depend on who
    proposed it, so all searches of a model share the store and the memo.

    Args:
        folder: of journals; made if it is missing.
        identity: what the search's results are stored under.
        seed: of the search.
        sampler: of the search.

    Returns:
        The study; what it is told is in the journal.
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


def _opened(path: Path, lock: FileLock) -> optuna.Study:
    storage = JournalStorage(_Journal(path, lock))
    study = optuna.create_study(storage=storage, study_name="search", direction="minimize", load_if_exists=True)
    for trial in study.get_trials(deepcopy=False):
        answer_in(trial)
    return study


def _cut_half_written(path: Path) -> None:
    """Optuna would append to it, and stop at the line that comes of that for ever after."""
    if not path.is_file():
        return
    with path.open("r+b") as journal:
        whole = journal.read().rpartition(b"\n")
        journal.truncate(len(whole[0]) + len(whole[1]))


class _Journal(JournalFileBackend):
    """Does not wait for the disk at each trial, which Optuna's own does: a killed process loses nothing so. A power cut
    may drop the latest trials, as it may drop the latest records of the store; the memo still has what they cost."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        # It asks for `acquire` and `release`, under a type that is Optuna's own.
        super().__init__(str(path), lock_obj=lock)  # type: ignore[arg-type]
        self._path, self._held = path, lock

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append whole lines."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._held, self._path.open("ab") as file:
            file.write(lines.encode())
