"""The pinned sources that the program is made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Repository -> the commit whose kernels were counted; see `workers/cortex_m/evidence/README.md`.
PINNED = {
    "https://github.com/pytorch/executorch": "cff6f4dd32e630945b7188512c1f2b4f102b05ad",
    "https://github.com/ARM-software/CMSIS-NN": "99f736a63036613032f9b70de36b493bcd7802d4",
}


def checked_out(repository: str, folder: Path) -> Path:
    """A checkout of a pinned repository, downloaded where it is not there yet.

    Args:
        repository: a key of `PINNED`.
        folder: that checkouts are kept in.

    Returns:
        The checkout.

    Raises:
        subprocess.CalledProcessError: git cannot fetch the commit.
    """
    commit = PINNED[repository]
    checkout = folder / f"{repository.rpartition('/')[2].lower()}-{commit[:12]}"
    if not (checkout / ".complete").exists():
        checkout.mkdir(parents=True, exist_ok=True)
        for command in (
            ("init", "-q"),
            ("fetch", "-q", "--depth", "1", repository, commit),
            ("checkout", "-q", commit),
        ):
            subprocess.run(("git", "-C", checkout, *command), check=True)
        (checkout / ".complete").touch()
    return checkout
