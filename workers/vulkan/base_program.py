"""A model as velatune lowers it for Vulkan: exported, in floating point."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from search_space.ir.structure import Structure
from workers.backend.base import Base, Identified
from workers.backend.job import Job
from workers.errors import ModelError
from workers.models.calibration import calibration_for
from workers.models.content_hash import calibration_data_hash, text_hash
from workers.models.source_content import source_content
from workers.models.types import ExportedModel, TosaFile, is_quantised
from workers.vulkan.target import VulkanTarget

_DISTRIBUTIONS = ("torch", "torchao", "executorch", "velatune")

#: Calibration inputs that schemes are calibrated on and quality is taken over.
_SAMPLES = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class VulkanBase(Base):
    """Attributes:
    operators: of the exported program, in order, with the shapes of their results.
    """

    operators: tuple[tuple[str, str], ...]

    @cached_property
    def structure(self) -> Structure:
        return Structure(_digest([name for name, _ in self.operators]), _digest(list(map(str, self.operators))))

    @property
    def summary(self) -> str:
        return f"{len(self.operators)} operators"


def _digest(parts: list[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def versions() -> dict[str, str]:
    """Of everything that a result depends on, by distribution name."""
    return {name: _version(name) for name in _DISTRIBUTIONS}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:  # velatune run from its sources
        return "not installed"


def model_of(job: Job[VulkanTarget]) -> ExportedModel:
    """The float model of a job.

    Raises:
        ModelError: the source is bad, or no float model.
    """
    model = source_content(job.source, job.io_layout).loaded
    if isinstance(model, TosaFile):
        raise ModelError(f"{job.source}: a .tosa file is for Ethos-U; Vulkan needs the PyTorch model")
    if is_quantised(model.program):
        raise ModelError(f"{job.source}: is quantised already; for Vulkan give the float model")
    return model


def samples_of(job: Job[VulkanTarget], model: ExportedModel) -> list[tuple[Any, ...]]:
    """Inputs that schemes are calibrated on and quality is taken over. Raises ModelError."""
    own = calibration_for(job.source, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed)
    return list(own.samples[:_SAMPLES])


def identified(job: Job[VulkanTarget]) -> Identified:
    """What the job's base program is the same as. Raises ModelError as `model_of`."""
    content = source_content(job.source, job.io_layout)
    model = model_of(job)
    if job.calibration_data is not None:
        on = {"calibrated_on": "files", "files_sha256": calibration_data_hash(job.calibration_data)}
    elif model.calibration_inputs is not None:
        on = {"calibrated_on": "its own inputs"}
    else:
        on = {"calibrated_on": "random inputs", "seed": str(job.seed)}
    quantisation = {"scheme": "float, schemes by recipe", **on}
    now = versions()
    key = text_hash("vulkan 1", content.sha256, str(sorted(quantisation.items())), str(sorted(now.items())))
    return Identified(job.source, content.sha256, content.io_layout, quantisation, key, now)


def lowered(job: Job[VulkanTarget]) -> VulkanBase:
    """Export the model. Raises ModelError as `model_of`."""
    model = model_of(job)
    calibration = calibration_for(
        job.source, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    )
    nodes = [node for node in model.program.graph.nodes if node.op == "call_function"]
    operators = tuple((str(node.target), str(getattr(node.meta.get("val"), "shape", ""))) for node in nodes)
    return VulkanBase(**vars(identified(job)), warnings=calibration.warnings, operators=operators)
