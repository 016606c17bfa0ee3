"""What the results store knows: plain, frozen records that turn into JSON and back.

Nothing here knows about graphs, Vela or a database. A record refuses contents that contradict
each other when it is made (ValueError), so that whoever holds one can rely on it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Label = Literal["predicted", "simulated", "measured"]
Status = Literal["ok", "wrong", "refused", "crashed", "timed out"]
RunStatus = Literal["exhausted", "trials", "timeout", "interrupted"]
ExactnessClass = Literal["exact", "requantising", "precision"]

LABELS: tuple[str, ...] = get_args(Label)
STATUSES: tuple[str, ...] = get_args(Status)
RUN_STATUSES: tuple[str, ...] = get_args(RunStatus)
CLASSES: tuple[str, ...] = get_args(ExactnessClass)


def utc_now() -> str:
    """This moment as ISO 8601 text in UTC with microseconds; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(data: object) -> str:
    """The one JSON text of plain data: keys sorted, no spaces, ASCII only."""
    return _canonical.encode(data)


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(record: type) -> TypeAdapter[Any]:
    if record not in _adapters:
        # Imported on first use: a command that only prints its help need not load pydantic.
        from pydantic import TypeAdapter

        _adapters[record] = TypeAdapter(record)
    return _adapters[record]


class Record:
    """The JSON side that all records share."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def to_json(self) -> dict[str, Any]:
        """This record as plain dicts, lists, strings, numbers and None."""
        plain = _adapter(type(self)).dump_python(self, mode="json")
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that `to_json` gave `data` for.

        Raises:
            ValueError: a field is missing, unknown, of another type, or contradicts another one.
        """
        return cls.from_text(json.dumps(data))

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """The record of a JSON text.

        Raises:
            ValueError: as `from_json`, or the text is no JSON.
        """
        from pydantic import ValidationError

        try:
            record = _adapter(cls).validate_json(text, strict=True)
        except ValidationError as errors:
            first = errors.errors(include_url=False)[0]
            where = ".".join([cls.__name__, *map(str, first["loc"])])
            raise ValueError(f"{where}: {first['msg']}") from None
        assert isinstance(record, cls)
        return record


@dataclass(frozen=True)
class Target(Record):
    """An NPU and the facts of the board around it.

    Attributes:
        accelerator: such as `ethos-u55-128`.
        vela_config_sha256: hash of the contents of the Vela .ini that was in force, not of its path.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    vela_config_sha256: str


@dataclass(frozen=True)
class Versions(Record):
    """Versions of the packages that decide what a recipe compiles to and costs."""

    torch: str
    torchao: str
    executorch: str
    ethos_u_vela: str
    tosa_tools: str


@dataclass(frozen=True)
class Structure(Record):
    """What a lowered model has in common with others.

    Attributes:
        operators: equal for models of the same operators and edges, whatever their weights and sizes.
        shapes: equal for models that differ in weights only.
    """

    operators: str
    shapes: str


@dataclass(frozen=True)
class Identity(Record):
    """What makes two results the same result.

    Attributes:
        model_hash: hash of the model's content: structure, weights and shapes.
        model_name: what people call the model; not part of the key.
        quantisation: how the model was quantised, in one string (`int8 per-channel, calibrated on ...`).
        objective: what `Figures.cycles` counts, in one string.
        io_layout: `nhwc` if the caller's inputs of rank 4 lie in memory so, else `nchw`.
        structure: of the lowered model; None where it was not lowered. It follows from the rest and is not part of the
            key.
    """

    model_hash: str
    model_name: str
    target: Target
    quantisation: str
    versions: Versions
    search_space_version: str
    objective: str
    io_layout: str = "nchw"
    structure: Structure | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) over every field but `model_name` and `structure`."""
        content = {name: getattr(self, name) for name in _IN_KEY[Identity]}
        # Not asdict: it copies all that it passes, and every lookup computes keys.
        content |= {"target": vars(self.target), "versions": vars(self.versions)}
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    def differences(self, other: Identity) -> tuple[tuple[str, str, str], ...]:
        """Every field of the key in which two identities differ, with its value here and there; none, and they are the
        same."""
        return tuple(_differing(self, other))


def _differing(one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    for name in _IN_KEY[type(one)]:
        here, there = getattr(one, name), getattr(other, name)
        if here == there:
            continue
        if is_dataclass(here):
            yield from _differing(here, there)
        else:
            yield name, str(here), str(there)


NOT_IN_KEY = ("model_name", "structure")
"""Fields of an identity that may differ between two that are the same."""

_IN_KEY = {
    record: tuple(each.name for each in fields(record) if each.name not in NOT_IN_KEY)
    for record in (Identity, Target, Versions)
}


@dataclass(frozen=True)
class Figures(Record):
    """What a compiled candidate costs. All numbers are non-negative integers and carry `label`.

    Attributes:
        cycles: the objective; less is better.
        stream_cycles: of the operations in the command streams.
        conservative_cycles: the same, with Vela's estimate for the kinds of operation that no evidence covers.
        vela_cycles: Vela's own estimate.
        host_cycles: of what runs on the CPU and of calling the delegates.
        transpose_cycles: the part of `stream_cycles` that transposes cost.
        sram_bytes: peak SRAM of the delegate that needs most.
        arena_bytes: what the runtime must provide for it: in SRAM, or in DRAM for `Dedicated_Sram` memory modes.
        host_ops: operators left on the CPU.
        delegates: NPU delegates that the model falls into.
    """

    cycles: int
    stream_cycles: int
    conservative_cycles: int
    vela_cycles: int
    host_cycles: int
    transposes: int
    transpose_cycles: int
    npu_ops: int
    host_ops: int
    delegates: int
    sram_bytes: int
    arena_bytes: int
    flash_bytes: int
    macs: int
    label: Label = "predicted"

    def __post_init__(self) -> None:
        numbers = [getattr(self, name) for name in FIGURE_NAMES]
        # All at once, since every lookup makes figures; one by one only to say which is wrong.
        if set(map(type, numbers)) != {int} or min(numbers) < 0 or max(numbers) >= 2**63:
            for name, value in zip(FIGURE_NAMES, numbers, strict=True):
                _whole(f"Figures.{name}", value)
        _one_of("Figures.label", self.label, LABELS)


FIGURE_NAMES: tuple[str, ...] = tuple(f.name for f in fields(Figures) if f.name != "label")


@dataclass(frozen=True)
class Bound(Record):
    """What no lowering of a model can go below on the NPU; host work comes on top.

    Attributes:
        macs: multiplications of its convolutions and matrix products.
        mac_cycles: of these, with all multipliers busy.
        moved_bytes: inputs and results of its delegates.
        move_cycles: of these, at full bandwidth.
        constant_bytes_per_cycle: full bandwidth of the memory that weights and commands are in.
    """

    macs: int
    mac_cycles: int
    moved_bytes: int
    move_cycles: int
    constant_bytes_per_cycle: float
    label: Label = "predicted"

    @property
    def cycles(self) -> int:
        """Both at the same time."""
        return max(self.mac_cycles, self.move_cycles)

    def constant_cycles(self, figures: Figures) -> int:
        """Of reading a program's own weights and commands once; another lowering may have fewer."""
        return math.ceil(figures.flash_bytes / self.constant_bytes_per_cycle)


@dataclass(frozen=True)
class Reuse(Record):
    """How much of what one run of a search asked for was known: in this run, in earlier ones, for other models.

    Attributes:
        evaluations: candidates of this run.
        duplicates: those among them that came to a program which an earlier candidate of this run had come to.
        prices, checks, expansions: graphs of delegates that were to be compiled, compared with the default lowering, or
            whose successors were asked for.
        known_prices, known_checks, known_expansions: those among them whose answer was remembered.
    """

    evaluations: int
    duplicates: int
    prices: int
    known_prices: int
    checks: int
    known_checks: int
    expansions: int
    known_expansions: int


@dataclass(frozen=True)
class OperatorRow(Record):
    """One row of a per-operator table; its cycles carry the label of the evaluation's figures.

    Attributes:
        delegate: index of the delegate that the operator is in.
        name: name of the operator in the graph; rows of two evaluations are compared by it.
        source_op: operator kind in the program given to Vela (`CONV2D`, `TRANSPOSE`, ...).
        npu_op: what the NPU runs for it.
        cycles: of the operations in the command stream that the row stands for.
        vela_cycles: Vela's estimate for the row.
    """

    delegate: int
    name: str
    source_op: str
    npu_op: str
    cycles: int
    vela_cycles: int

    def __post_init__(self) -> None:
        _whole("OperatorRow.delegate", self.delegate)
        _whole("OperatorRow.cycles", self.cycles)
        _whole("OperatorRow.vela_cycles", self.vela_cycles)


@dataclass(frozen=True)
class Quality(Record):
    """How near a candidate's outputs are to the float model's, on calibration inputs, beside the default lowering's.

    Attributes:
        sqnr_db, default_sqnr_db: signal-to-quantisation-noise ratio of the worst output, from the model's inputs on.
        inputs: how many calibration inputs were run.
        metric, default_metric: the user's own measure, if there is one; more is better.
        shortfall: why the candidate may not be offered; empty if it is within the limit that the objective says.
        label: no hardware was asked: the reference model's arithmetic is the NPU's.
    """

    sqnr_db: float
    default_sqnr_db: float
    inputs: int
    metric: float | None = None
    default_metric: float | None = None
    shortfall: str = ""
    label: Label = "simulated"

    def __post_init__(self) -> None:
        _whole("Quality.inputs", self.inputs)
        _one_of("Quality.label", self.label, LABELS)

    def __str__(self) -> str:
        of = f"{self.sqnr_db:.2f} dB SQNR (default {self.default_sqnr_db:.2f})"
        if self.metric is not None and self.default_metric is not None:
            of += f", metric {self.metric:g} (default {self.default_metric:g})"
        return f"{of} against the float model on {self.inputs} calibration inputs, {self.label}"


@dataclass(frozen=True)
class Evaluation(Record):
    """What one candidate turned out to cost, and whether it is right.

    Attributes:
        identity_key: `Identity.key` of the model and target that it is a candidate for.
        recipe: canonical recipe text.
        program_hash: content hash of the candidate's graphs; empty when none came to be.
        reason: why the candidate is not ok; empty when it is.
        verified: the outputs were checked, and the command streams executed: if `exactness` is exact, equal to the
            default lowering's bit for bit; else of a quality within the limit of the identity's objective.
        check: what the check used. Plain JSON; the report understands
            `{"inputs": [{"kind": "random", "count": 4, "seed": 7}, {"kind": "minimum", "count": 1}, ...]}`
            and shows any other key as it is, but for two. `whole`: true where whole programs were run on all inputs,
            with nothing shared or computed otherwise. `executed`: false where the command streams were not executed.
        command_stream_sha256: hash of the command stream of each delegate, in order.
        operators: per-operator table; may be empty for candidates nobody will look at.
        attempts: how often it was tried until this came out.
        exactness: the class of the recipe's least exact element.
        quality: where other than exact recipes were allowed.
        created: UTC time as `utc_now` writes it.
    """

    identity_key: str
    recipe: str
    program_hash: str
    status: Status
    reason: str = ""
    figures: Figures | None = None
    verified: bool = False
    check: dict[str, Any] = field(default_factory=dict)
    command_stream_sha256: tuple[str, ...] = ()
    operators: tuple[OperatorRow, ...] = ()
    attempts: int = 1
    seconds: float = 0.0
    exactness: ExactnessClass = "exact"
    quality: Quality | None = None
    created: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        _one_of("Evaluation.status", self.status, STATUSES)
        _one_of("Evaluation.exactness", self.exactness, CLASSES)
        if self.status == "ok" and self.figures is None:
            raise ValueError("an evaluation with status ok needs figures")
        if self.status == "ok" and self.reason:
            raise ValueError("an evaluation with status ok has no reason")
        if self.verified and self.status != "ok":
            raise ValueError(f"an evaluation with status {self.status!r} cannot be verified")
        if self.verified and self.exactness != "exact" and self.quality is None:
            raise ValueError("an evaluation that is not exact cannot be verified without its quality")
        if self.verified and self.quality is not None and self.quality.shortfall:
            raise ValueError("an evaluation whose quality falls short cannot be verified")
        _whole("Evaluation.attempts", self.attempts)
        _finite("Evaluation.seconds", self.seconds)

    @property
    def has_right_programs(self) -> bool:
        """Its programs were checked as for `verified`, whether or not its command streams were executed."""
        return self.status == "ok" and not (self.quality and self.quality.shortfall)

    @property
    def is_unexecuted(self) -> bool:
        """Its programs were checked or measured, and its command streams were not executed."""
        return self.status == "ok" and self.check.get("executed") is False

    @property
    def checked_whole(self) -> bool:
        """Verified, and not by parts."""
        return self.verified and self.check.get("whole") is True

    @property
    def bit_exact(self) -> bool:
        """Checked equal to the default lowering, bit for bit."""
        return self.verified and self.exactness == "exact"


@dataclass(frozen=True)
class Simulation(Record):
    """What a simulator counted when it ran a candidate's `.pte`; stands beside the candidate's predicted figures.

    Attributes:
        identity_key, recipe: the candidate.
        simulator: file name of the simulator.
        runner_sha256: hash of the program that ran the `.pte` there; the timings of the board's memory are built in.
        npu_cycles: in one inference, of all delegates; nothing of the CPU is in it.
        created: UTC time as `utc_now` writes it.
    """

    identity_key: str
    recipe: str
    simulator: str
    runner_sha256: str
    npu_cycles: int
    label: Label = "simulated"
    created: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        _whole("Simulation.npu_cycles", self.npu_cycles)
        _one_of("Simulation.label", self.label, ("simulated",))


@dataclass(frozen=True)
class Best(Record):
    """What a search over one identity found. The store accepts it only if `best` is ok and verified.

    Attributes:
        default: evaluation of the default recipe (stock ExecuTorch). It is `wrong`, with figures, where Vela
            miscompiles its program; gains are told against these figures all the same.
        best: the cheapest evaluation that is ok and verified; may be the default itself.
        recipe: the recipe to hand out; that of `best`.
        evaluations, distinct: evaluations made, and distinct programs among them.
        seconds: time that the search took, over all its runs.
        status: why the search stopped.
        seed: the seed of the search.
    """

    identity: Identity
    default: Evaluation
    best: Evaluation
    recipe: str
    evaluations: int
    distinct: int
    seconds: float
    status: RunStatus
    seed: int

    def __post_init__(self) -> None:
        _one_of("Best.status", self.status, RUN_STATUSES)
        _whole("Best.evaluations", self.evaluations)
        _whole("Best.distinct", self.distinct)
        _whole("Best.seed", self.seed)
        _finite("Best.seconds", self.seconds)

    @property
    def default_fault(self) -> str:
        """What is wrong with the default lowering's command streams, in one line; empty if nothing is."""
        return self.default.reason if self.default.status == "wrong" else ""


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {value!r}")


def _whole(what: str, value: int) -> None:
    # 63 bits are what both databases keep.
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{what} must be a non-negative int, not {value!r}")


def _finite(what: str, value: float) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite, non-negative number, not {value!r}")
