"""What a model is calibrated on, as a part of identities."""

from __future__ import annotations

from pathlib import Path

from workers.models.identity.content_hash import calibration_data_hash
from workers.models.types import ExportedModel


def calibrated_on(model: ExportedModel, data: Path | None, seed: int) -> dict[str, str]:
    """The choice that `workers.models.calibration.calibration_for` makes.

    Args:
        model: exported.
        data: the user's files, or None.
        seed: of random inputs.

    Returns:
        Fields of the quantisation, for the model's identity.
    """
    if data is not None:
        return {"calibrated_on": "files", "files_sha256": calibration_data_hash(data)}
    if model.calibration_inputs is not None:
        return {"calibrated_on": "its own inputs"}
    return {"calibrated_on": "random inputs", "seed": str(seed)}
