"""A model quantised for Cortex-M: what every candidate is lowered from, kept on disk by content."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.backend.base import Identified, OperatorsBase
from workers.backend.cost import Numbers, Row
from workers.backend.job import Job
from workers.cache.atomic_write import write_whole
from workers.cortex_m.base.default_pipeline import DefaultPipeline, default_pipeline
from workers.cortex_m.cost.fitted import fitted_hash
from workers.cortex_m.cost.price import UNCOSTED
from workers.cortex_m.lowering.image_order import ImageOrder
from workers.cortex_m.passes.base import FloatRewrite
from workers.cortex_m.target import Target
from workers.errors import ModelError
from workers.models.calibration import Calibration, calibration_for
from workers.models.exported.operator_list import operators_of
from workers.models.exported.state.growing_state import growing_state
from workers.models.exported.state.module_state import lost_starts, written_in_place
from workers.models.identity.calibrated_on import calibrated_on
from workers.models.identity.content_hash import text_hash
from workers.models.identity.installed_versions import versions_of
from workers.models.identity.source_content import SourceContent, source_content
from workers.models.types import ExportedModel, TosaFile, is_quantised

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule

_FORMAT = "5"
"""Of the cache: raised when the meaning of an entry changes."""

#: Calibration inputs that programs are compared on.
_SAMPLES = 2

_DISTRIBUTIONS = ("torch", "torchao", "executorch", "velatune")
_SCHEME = "int8, ExecuTorch's Cortex-M quantiser, explicit layouts"


@dataclass(frozen=True, eq=False, kw_only=True)
class CortexMBase(OperatorsBase):
    """A model lowered for Cortex-M by the stock toolchain.

    Attributes:
        quantised: the quantised program, in PyTorch's format for exported programs.
        samples: calibration inputs that programs are compared on.
        image_order: which images of the model are channels_last for its caller.
        default_pipeline: what ExecuTorch's default pipeline makes of the model.
    """

    quantised: bytes
    samples: tuple[tuple[Any, ...], ...]
    image_order: ImageOrder
    default_pipeline: DefaultPipeline

    @property
    def remarks(self) -> tuple[str, ...]:
        return (str(self.default_pipeline),)

    def warnings_on(self, best: Numbers, rows: Sequence[Row]) -> tuple[str, ...]:
        found = []
        if unknown := Counter(one.source_op for one in rows if one.target_op == UNCOSTED):
            names = ", ".join(f"{count} {name}" for name, count in sorted(unknown.items()))
            found.append(f"the best has operators without a known cost, which its instructions leave out: {names}")
        if self.default_pipeline.is_known and self.default_pipeline.instructions < best["instructions"]:
            count, floats = self.default_pipeline.instructions, best["float_operators"]
            found.append(
                f"the best takes more than the {count:,} instructions (predicted) of ExecuTorch's default pipeline"
                + (f"; {floats} of its operators are in float, --allow-requant may quantise them" if floats else "")
            )
        return tuple(found)


def versions() -> dict[str, str]:
    """Of everything that a result depends on, by distribution name."""
    return versions_of(_DISTRIBUTIONS)


def identified(job: Job[Target]) -> Identified:
    """What the job's base program is the same as; nothing is lowered.

    Raises:
        ModelError: the source is bad, or no model that can be quantised.
    """
    return _identified(job)[1]


def lowered(job: Job[Target]) -> CortexMBase:
    """Quantise the model, or find it in the cache.

    Raises:
        ModelError: the source is bad, or the model cannot be quantised.
    """
    model, found = _identified(job)
    calibration = calibration_for(
        job.source, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    )
    folder = job.cache_dir / "cortex-m"
    order = ImageOrder.of(_module(model), model.example_inputs)
    with _said_of(job.source):
        data, quantised = _cached(folder / f"{found.key}.pt2", model, calibration, order)
        grows = growing_state(model.program, calibration.samples)
        warnings = calibration.warnings + grows + _state_warnings(quantised)
    kept = folder / f"{found.key}-{fitted_hash()}.json"
    beside = default_pipeline(model, calibration.samples, job.target, kept)
    return CortexMBase(
        **vars(found), warnings=warnings, quantised=data, operators=operators_of(quantised),
        samples=tuple(calibration.samples[:_SAMPLES]), image_order=order, default_pipeline=beside,
    )  # fmt: skip


def requantised(job: Job[Target], rewrites: Sequence[FloatRewrite]) -> ExportedProgram:
    """The model quantised after changes of the float model, or found in the cache.

    Args:
        job: says the model.
        rewrites: changes, in the order in which they are made.

    Returns:
        The quantised program.

    Raises:
        ModelError: the source is bad, or the model cannot be quantised.
    """

    def rewrite(module: GraphModule) -> None:
        for one in rewrites:
            one.apply(module)

    model, found = _identified(job)
    calibration = calibration_for(
        job.source, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    )
    kept = job.cache_dir / "cortex-m" / f"{found.key}-{'+'.join(map(str, rewrites))}.pt2"
    order = ImageOrder.of(_module(model), model.example_inputs)
    with _said_of(job.source):
        return _cached(kept, model, calibration, order, rewrite)[1]


def float_model(job: Job[Target]) -> ExportedModel:
    """The model before it is quantised. Raises ModelError if the source is bad."""
    return _identified(job)[0]


def loaded(data: bytes) -> ExportedProgram:
    """The quantised program of a base. Raises ModelError if the data are damaged."""
    from workers.cortex_m.lowering.quantise import load

    return load(io.BytesIO(data))


def _cached(
    path: Path,
    model: ExportedModel,
    calibration: Calibration,
    order: ImageOrder,
    rewrite: Callable[[GraphModule], object] | None = None,
) -> tuple[bytes, ExportedProgram]:
    from workers.cortex_m.lowering.quantise import quantise, save

    with contextlib.suppress(OSError, ModelError):  # it is not there, or damaged
        data = path.read_bytes()
        return data, loaded(data)
    written = io.BytesIO()
    samples = [order.inside(one) for one in calibration.samples]
    quantised = quantise(order.model(_module(model)), order.inside(model.example_inputs), samples, rewrite=rewrite)
    save(quantised, written)
    with contextlib.suppress(OSError):  # it is made anew then
        write_whole(path, written.getvalue())
    return written.getvalue(), loaded(written.getvalue())


def _state_warnings(quantised: ExportedProgram) -> tuple[str, ...]:
    """A warning about buffers that start with something else in the `.pte`."""
    from workers.cortex_m.lowering.edge import to_edge

    # Only the edge program says what is written.
    return lost_starts(to_edge(quantised)) if written_in_place(quantised) else ()


@contextmanager
def _said_of(name: str) -> Iterator[None]:
    """Errors inside the block name the model."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error


def _module(model: ExportedModel) -> GraphModule:
    return model.program.module(check_guards=False)


def _identified(job: Job[Target]) -> tuple[ExportedModel, Identified]:
    content: SourceContent = source_content(job.source, job.io_layout)
    model = content.loaded
    if isinstance(model, TosaFile):
        raise ModelError(f"{job.source}: a .tosa file is for Ethos-U; Cortex-M needs the PyTorch model")
    if is_quantised(model.program):
        raise ModelError(f"{job.source}: is quantised already; Cortex-M quantises the float model itself")
    quantisation = {"scheme": _SCHEME, **calibrated_on(model, job.calibration_data, job.seed)}
    now = versions()
    key = text_hash(_FORMAT, content.sha256, json.dumps(quantisation), json.dumps(now))
    return model, Identified(job.source, content.sha256, content.io_layout, quantisation, key, now)
