"""The base program of a model and a target, lowered once and then kept on disk by content.

Finding an entry needs torch but not ExecuTorch. So a known model is ready in the time of one import.
"""

import contextlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from search_space.choices.frontend.base import Setting
from search_space.ir.structure import Structure, structure_of
from search_space.recipe.space import SPACE_VERSION
from search_space.tosa_file.reader import read_tosa
from workers.backend.base import Base, Identified
from workers.cache.atomic_write import write_whole
from workers.errors import ModelError, one_line
from workers.ethos_u.cost.estimates.host_operators import HostOperator, on_cpu
from workers.ethos_u.lowering.delegates.delegate_calls import DelegateInputs
from workers.ethos_u.lowering.lowering import Lowered, lower
from workers.ethos_u.lowering.quantise import QUANTISATION
from workers.ethos_u.target import Target
from workers.models.exported.io_layout import Interface, IoLayout
from workers.models.identity.calibrated_on import calibrated_on
from workers.models.identity.content_hash import text_hash
from workers.models.identity.installed_versions import versions_of
from workers.models.identity.source_content import source_content
from workers.models.model_source import export, resolve
from workers.models.types import ExportedModel, TosaFile, is_quantised

_FORMAT = 7
"""Of the cache: raised when the meaning of an entry changes."""

_DISTRIBUTIONS = ("torch", "torchao", "executorch", "ethos-u-vela", "tosa-tools", "velatune")


@dataclass(frozen=True, eq=False, kw_only=True)
class BaseProgram(Base):
    """What stock ExecuTorch lowers a model to.

    Attributes:
        graphs: one TOSA flatbuffer per delegate, in the order in which the program calls them.
        host_operators: those left on the CPU, in program order, with quantise and dequantise.
        calibration_inputs: for each delegate, what reaches it on the first (at most 2) calibration inputs. They are
            tuples of arrays that match its TOSA inputs in order, shape and element type. Empty where that is not known.
        interface: dim orders of the program's inputs and outputs; None of a `.tosa` file.
    """

    graphs: tuple[bytes, ...]
    calibration_inputs: tuple[DelegateInputs, ...]
    host_operators: tuple[HostOperator, ...] = ()
    interface: Interface | None = None

    @cached_property
    def structure(self) -> Structure:
        """See `Base`. Raises SpaceError for programs that velatune cannot read."""
        return structure_of([read_tosa(data) for data in self.graphs], self.cpu_operators)

    @property
    def cpu_operators(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.host_operators)

    @property
    def summary(self) -> str:
        delegates = len(self.graphs)
        return f"{delegates} delegate{'s' if delegates > 1 else ''}, {len(self.host_operators)} host operators"

    @property
    def remarks(self) -> tuple[str, ...]:
        rejected = on_cpu(one for one in self.host_operators if one.reason)
        left = f"left on the CPU: {', '.join(rejected)}" if rejected else ""
        return tuple(filter(None, (left, str(self.interface or ""))))


def load_or_lower(
    source: str, target: Target, *, cache_dir: Path, seed: int, calibration_data: Path | None = None,
    io_layout: IoLayout | None = None,
) -> BaseProgram:  # fmt: skip
    """The base program of a model source, from the cache or lowered now and put there.

    Args:
        source: see `workers.models.model_source`.
        target: the accelerator and its board.
        cache_dir: made if missing. A damaged entry is replaced, an unwritable folder is a warning.
        seed: of the random calibration inputs of a model that has none.
        calibration_data: a file or folder, see `workers.models.calibration.calibration_for`.
        io_layout: see `workers.models.model_source.export`.

    Returns:
        The base program.

    Raises:
        ModelError: the source is bad, or the model cannot be exported, quantised or lowered.
    """
    loaded, identified = _identified(source, target, seed, calibration_data, io_layout)
    if isinstance(loaded, TosaFile):
        return _of_file(loaded, identified, calibration_data)
    path = cache_dir / f"{identified.key}.npz"
    lowered, warnings = _cached(path, identified.key)
    if lowered is None:
        lowered = lower(loaded, target, seed=seed, calibration_data=calibration_data)
        try:
            write_whole(path, _packed(lowered, identified.key))
        except OSError as error:
            warnings += (f"the lowered program is not cached: {one_line(error)}",)
    return _program(identified, lowered, warnings)


def load_lowered(
    source: str, target: Target, *, cache_dir: Path, seed: int, calibration_data: Path | None = None,
    io_layout: IoLayout | None = None,
) -> BaseProgram | None:  # fmt: skip
    """As `load_or_lower` where nothing has to be lowered; None where the cache has no good entry.

    Args:
        source: as of `load_or_lower`.
        target: the accelerator and its board.
        cache_dir: only read.
        seed: as of `load_or_lower`.
        calibration_data: as of `load_or_lower`.
        io_layout: as of `load_or_lower`.

    Returns:
        The base program, or None.

    Raises:
        ModelError: the source is bad, or the model cannot be exported.
    """
    loaded, identified = _identified(source, target, seed, calibration_data, io_layout)
    if isinstance(loaded, TosaFile):
        return _of_file(loaded, identified, calibration_data)
    lowered, warnings = _cached(cache_dir / f"{identified.key}.npz", identified.key)
    return None if lowered is None else _program(identified, lowered, warnings)


def _of_file(file: TosaFile, identified: Identified, calibration_data: Path | None) -> BaseProgram:
    unused = ("a .tosa file is quantised already: --calibration-data is not used",)
    warnings = () if calibration_data is None else unused
    return BaseProgram(**vars(identified), graphs=(file.data,), calibration_inputs=((),), warnings=warnings)


def _program(identified: Identified, lowered: Lowered, warnings: tuple[str, ...]) -> BaseProgram:
    return BaseProgram(
        **vars(identified),
        graphs=lowered.graphs,
        host_operators=lowered.host_operators,
        calibration_inputs=lowered.calibration_inputs,
        warnings=lowered.warnings + warnings,
        interface=lowered.interface,
    )


def setting_key(base: Identified, setting: Setting) -> str:
    """Identity of a model lowered by a setting.

    Args:
        base: the model as stock ExecuTorch lowers it.
        setting: inside ExecuTorch.

    Returns:
        A key.
    """
    return text_hash(base.key, SPACE_VERSION, json.dumps(setting))


def lowered_setting(
    base: BaseProgram, setting: Setting, model: Callable[[], ExportedModel | None], target: Target, *, cache_dir: Path,
    seed: int, calibration_data: Path | None = None,
) -> BaseProgram:  # fmt: skip
    """The base program by another setting than ExecuTorch's own, from the cache or lowered now and put there.

    Args:
        base: by its own, with the same other arguments.
        setting: inside ExecuTorch.
        model: gives the exported program; called only if there is no entry.
        target: the accelerator and its board.
        cache_dir: made if missing; an unwritable folder is passed over.
        seed: of random calibration inputs.
        calibration_data: as of `load_or_lower`.

    Returns:
        The base program.

    Raises:
        ModelError: there is no exported program, or it cannot be lowered so.
    """
    key = setting_key(base, setting)
    path = cache_dir / f"{key}.npz"
    lowered, _ = _cached(path, key)
    if lowered is None:
        exported = model()
        if exported is None:
            raise ModelError(f"{base.name}: a .tosa file is lowered already; this recipe needs the PyTorch model")
        lowered = lower(exported, target, seed=seed, calibration_data=calibration_data, setting=setting)
        with contextlib.suppress(OSError):  # it is made anew then
            write_whole(path, _packed(lowered, key))
    return replace(base, key=key, **vars(lowered))


def identify(
    source: str, target: Target, *, seed: int, calibration_data: Path | None = None, io_layout: IoLayout | None = None
) -> Identified:
    """What `load_or_lower` with these arguments would be the base program of; nothing is lowered.

    Args:
        source: as of `load_or_lower`.
        target: the accelerator and its board.
        seed: as of `load_or_lower`.
        calibration_data: as of `load_or_lower`.
        io_layout: as of `load_or_lower`.

    Returns:
        Key, model and versions of the base program.

    Raises:
        ModelError: the source or the calibration data is bad, or the model cannot be exported.
    """
    return _identified(source, target, seed, calibration_data, io_layout)[1]


def exported_model(source: str, io_layout: IoLayout | None = None) -> ExportedModel | None:
    """The exported program of a model source; None for a `.tosa` file, which has none.

    Args:
        source: see `workers.models.model_source`.
        io_layout: see `workers.models.model_source.export`.

    Returns:
        The exported program, or None.

    Raises:
        ModelError: the source is bad, or the model cannot be exported.
    """
    resolved = resolve(source)
    return None if isinstance(resolved, TosaFile) else export(resolved, io_layout)


def _identified(
    source: str, target: Target, seed: int, calibration_data: Path | None, io_layout: IoLayout | None
) -> tuple[ExportedModel | TosaFile, Identified]:
    """Also what the source holds."""
    content = source_content(source, io_layout)
    loaded = content.loaded
    if isinstance(loaded, TosaFile) or is_quantised(loaded.program):
        quantisation = {"scheme": "as the file is"}
    else:
        quantisation = {"scheme": QUANTISATION, **calibrated_on(loaded, calibration_data, seed)}
    versions = toolchain_versions()
    key = text_hash(str(_FORMAT), content.sha256, _tosa_family(target), json.dumps(quantisation), json.dumps(versions))
    return loaded, Identified(source, content.sha256, content.io_layout, quantisation, key, versions)


def toolchain_versions() -> dict[str, str]:
    """Versions of everything that a result depends on, by distribution name."""
    return versions_of(_DISTRIBUTIONS)


def _tosa_family(target: Target) -> str:
    """ExecuTorch lowers to one TOSA profile for U55 and U65 and to another one for U85."""
    return "u85" if "u85" in target.accelerator else "u55"


# What reading a truncated, overwritten or foreign file leads to.
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def _cached(path: Path, key: str) -> tuple[Lowered | None, tuple[str, ...]]:
    """The entry, if there is a good one, and a warning if there is a bad one."""
    try:
        return _unpacked(path.read_bytes(), key), ()
    except FileNotFoundError:
        return None, ()
    except _DAMAGE as error:
        return None, (f"cache entry {path} cannot be used and is made anew ({one_line(error)})",)


def _packed(lowered: Lowered, key: str) -> bytes:
    """An .npz: the graphs and inputs as arrays, and a JSON header that says which is which."""
    arrays = {f"graph-{i}": np.frombuffer(graph, np.uint8) for i, graph in enumerate(lowered.graphs)}
    for d, samples in enumerate(lowered.calibration_inputs):
        for s, sample in enumerate(samples):
            for i, value in enumerate(sample):
                arrays[f"input-{d}-{s}-{i}"] = value
    header = {
        "key": key,
        "graphs": len(lowered.graphs),
        "inputs": [[len(sample) for sample in samples] for samples in lowered.calibration_inputs],
        "host_operators": [list(vars(one).values()) for one in lowered.host_operators],
        "warnings": lowered.warnings,
        "interface": vars(lowered.interface),
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _unpacked(data: bytes, key: str) -> Lowered:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        header = json.loads(arrays["header"].tobytes())
        if header["key"] != key:
            raise ValueError("it is the entry of another program")
        return Lowered(
            graphs=tuple(arrays[f"graph-{i}"].tobytes() for i in range(header["graphs"])),
            host_operators=tuple(HostOperator(*one) for one in header["host_operators"]),
            calibration_inputs=tuple(
                tuple(tuple(arrays[f"input-{d}-{s}-{i}"] for i in range(n)) for s, n in enumerate(counts))
                for d, counts in enumerate(header["inputs"])
            ),
            warnings=tuple(header["warnings"]),
            interface=Interface(**{side: tuple(map(tuple, of)) for side, of in header["interface"].items()}),
        )
