"""Where Optuna's studies are kept: one journal file per model, target and toolchain, in the user's data folder."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from results.records import Identity


def open_study(folder: Path, identity: Identity, seed: int) -> optuna.Study:
    """The study of an identity, new or as an earlier run left it.

    A journal is appended to, line by line; what a killed process left half-written is skipped when it is read again.
    Another seed is another search and has a study of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder / f"{identity.key[:32]}-seed{seed}.journal")
    storage = JournalStorage(JournalFileBackend(path, lock_obj=JournalFileSymlinkLock(path)))
    name = f"{identity.model_name} on {identity.target.accelerator}"
    return optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
