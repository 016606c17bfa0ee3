"""Versions of what is installed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Distribution -> its version, or `not installed`."""
    return {name: _version(name) for name in distributions}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:  # velatune run from its sources
        return "not installed"
