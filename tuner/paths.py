"""Where velatune keeps things on this machine."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_APPLICATION = "velatune"


def cache_folder() -> Path:
    """What can be made again: lowered programs, the evaluation memo, logs."""
    return Path(platformdirs.user_cache_dir(_APPLICATION))


def studies_folder(store_location: str) -> Path:
    """Optuna's journals: beside a store that is a file, else in the user's data folder."""
    store = Path(store_location)
    if store.is_file():
        return store.with_name(f"{store.name}.studies")
    return Path(platformdirs.user_data_dir(_APPLICATION)) / "studies"


def service_folder(store_location: str) -> Path:
    """Where the service keeps its own files.

    Beside a store that is a file; else in the user's data folder.
    """
    if "://" not in store_location:
        return Path(store_location).with_name(f"{Path(store_location).name}.service")
    return Path(platformdirs.user_data_dir(_APPLICATION)) / "service"
