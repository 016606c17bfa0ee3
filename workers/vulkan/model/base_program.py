"""A model as velatune lowers it for Vulkan: exported, in floating point or quantised by the user."""

from __future__ import annotations

from dataclasses import dataclass

from workers.backend.base import Identified, OperatorsBase
from workers.backend.job import Job
from workers.errors import ModelError
from workers.models.calibration import Calibration, calibration_for
from workers.models.exported.operator_list import operators_of
from workers.models.identity.calibrated_on import calibrated_on
from workers.models.identity.content_hash import text_hash
from workers.models.identity.installed_versions import versions_of
from workers.models.identity.source_content import SourceContent, source_content
from workers.models.types import ExportedModel, TosaFile
from workers.vulkan.model.users_schemes import has_schemes
from workers.vulkan.target import VulkanTarget

_DISTRIBUTIONS = ("torch", "torchao", "executorch", "velatune")

#: Calibration inputs that schemes are calibrated on and quality is taken over.
SAMPLES = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class VulkanBase(OperatorsBase):
    """A model lowered for Vulkan by the stock toolchain.

    Attributes:
        on_cpu: names of the operators that the stock lowering leaves on the CPU.
        said: what a person wants to know of the stock lowering, one line each.
    """

    on_cpu: tuple[str, ...]
    said: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        return self.said

    @property
    def cpu_operators(self) -> tuple[str, ...]:
        return self.on_cpu


def versions() -> dict[str, str]:
    """Of everything that a result depends on, by distribution name."""
    return versions_of(_DISTRIBUTIONS)


def identified(job: Job[VulkanTarget]) -> Identified:
    """What the job's base program is the same as.

    Args:
        job: names the model.

    Raises:
        ModelError: the source is bad, or no PyTorch model.
    """
    return _identified(job)[1]


def exported(job: Job[VulkanTarget]) -> tuple[ExportedModel, Identified, Calibration]:
    """The model of a job, what it is the same as, and the inputs for calibration.

    Args:
        job: names the model.

    Raises:
        ModelError: as `identified`, or the calibration data does not fit.
    """
    model, found = _identified(job)
    inputs = model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    return model, found, calibration_for(job.source, *inputs)


def base_of(
    model: ExportedModel, found: Identified, calibration: Calibration, on_cpu: tuple[str, ...], said: tuple[str, ...]
) -> VulkanBase:
    """The base program of a job.

    Args:
        model, found, calibration: as `exported` gives them.
        on_cpu, said: of the stock lowering, see `VulkanBase`.

    Returns:
        What travels to the worker processes.
    """
    operators = operators_of(model.program)
    warnings = calibration.warnings
    return VulkanBase(**vars(found), warnings=warnings, operators=operators, on_cpu=on_cpu, said=said)


def _identified(job: Job[VulkanTarget]) -> tuple[ExportedModel, Identified]:
    content = source_content(job.source, job.io_layout)
    model = _loaded(job, content)
    scheme = "the user's" if has_schemes(model.program) else "float, schemes by recipe"
    quantisation = {"scheme": scheme, **calibrated_on(model, job.calibration_data, job.seed)}
    now = versions()
    key = text_hash("vulkan 1", content.sha256, str(sorted(quantisation.items())), str(sorted(now.items())))
    return model, Identified(job.source, content.sha256, content.io_layout, quantisation, key, now)


def _loaded(job: Job[VulkanTarget], content: SourceContent) -> ExportedModel:
    model = content.loaded
    if isinstance(model, TosaFile):
        raise ModelError(f"{job.source}: a .tosa file is for Ethos-U; Vulkan needs the PyTorch model")
    return model
