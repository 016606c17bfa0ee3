"""Compile a TOSA program with Vela in this process, without files, and read off what it costs.

`ethosu.regor.compile` gets what `ethosu/vela/vela.py` gives it when ExecuTorch's `vela_compile` runs Vela. So command
stream and weights equal, byte for byte, what ExecuTorch puts into the `.pte`. The debug database is on for the rows per
operator; it changes neither of the two.

A crash inside Vela ends the process: run it in a worker (`workers.pool.ray_pool`) if that matters. Vela prints nothing
here. So the file descriptors are left alone, and the last words of a crash stay visible.

Vela keeps some memory of every compile for good: 0.1 MB for a fire module, 1.4 MB for a 2-block ViT. It makes its debug
database ever more slowly, by a tenth after some hundred compiles. So the pool replaces workers that have grown.
"""

import io
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from workers.errors import CompilerRefused
from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram
from workers.ethos_u.command_stream.operator_cost import OperatorCost
from workers.ethos_u.target import Target


class VelaRefused(CompilerRefused):
    """Vela does not compile this program for this target; the message is Vela's reason in one line."""


@dataclass(frozen=True)
class Compiled:
    """What Vela made of one TOSA program, with its estimates (predictions, not measurements).

    Attributes:
        vela_cycles: Vela's total for one inference. The cycles of `operators` add up to it exactly.
        macs: multiply-accumulates of one inference; the sum over `operators`.
        npu_ops: operations on the NPU; rows that are `fused` into another are not counted.
        cpu_ops: operations that Vela left to the CPU. They cost nothing in `vela_cycles`.
        sram_bytes: Vela's "Total SRAM used", the peak. Constants that the memory mode keeps in SRAM are not
            in it: Vela books them as flash.
        flash_bytes: read-only memory of the delegate, `weights` and `command_stream` together. Vela's own
            "flash used" line is the weights alone.
        scratch_bytes: the arena that the runtime must provide (`scratch_size` in the delegate). It is in SRAM, or in
            DRAM for the `Dedicated_Sram` memory modes.
        command_stream: the delegate's `cmd_data`, driver header included.
        weights: the delegate's `weight_data`: encoded weights, scales and other constants.
        fast_bytes: size of region 2 where the memory mode gives it its own memory (`Dedicated_Sram`), else None.
        inputs, outputs: where they lie, in the order of the program. Vela drops inputs that nobody reads.
        operators: Vela's rows in the order in which they run; empty if they were not asked for.
    """

    vela_cycles: int
    macs: int
    npu_ops: int
    cpu_ops: int
    sram_bytes: int
    flash_bytes: int
    scratch_bytes: int
    command_stream: bytes
    weights: bytes
    fast_bytes: int | None
    inputs: tuple[IoTensor, ...]
    outputs: tuple[IoTensor, ...]
    operators: tuple[OperatorCost, ...]

    @property
    def npu_program(self) -> NpuProgram:
        """What the NPU is given, to be executed by `workers.ethos_u.npu_model`."""
        return NpuProgram(
            self.command_stream, self.weights, self.scratch_bytes, self.fast_bytes, self.inputs, self.outputs
        )

    @property
    def transposes(self) -> int:
        """Rows that Vela runs as Transpose, whatever operator they come from."""
        return sum(row.npu_op == "Transpose" for row in self.operators)

    @property
    def transpose_cycles(self) -> int:
        """Vela's cycles of those rows. On U55 and U65 its price for them is several times too low."""
        return sum(row.cycles for row in self.operators if row.npu_op == "Transpose")


def compile_tosa(tosa: bytes, target: Target, operators: bool = True) -> Compiled:
    """Compile the TOSA 1.0 flatbuffer `tosa` for `target`.

    Args:
        tosa: a serialised program as ExecuTorch's TOSA backend writes it.
        target: the accelerator and its board.
        operators: ask for the rows per operator. Without them a compile takes a tenth to a half less.

    Returns:
        The command stream with its constants, and rows per operator where they were asked for.

    Raises:
        VelaRefused: the program is malformed, or has an operator or shape that the target does not take.
        ModelError: the target's configuration file cannot be read any more.
    """
    from ethosu import regor

    settings = _settings(target)
    try:
        model = regor.compile(
            settings.accelerator,
            tosa,
            "TOSA",
            settings.system,
            options=settings.options_with_rows if operators else settings.options,
            verbose=False,
        )
    except RuntimeError as error:
        raise VelaRefused(_one_line(str(error))) from error
    if not isinstance(model, regor.CompiledRawModel):
        raise VelaRefused("Vela returned no compiled program and no reason")
    report = model.perf_report
    weights = bytes(model.read_only.data)
    command_stream = bytes(model.command_stream)
    return Compiled(
        vela_cycles=report.totalCycles,
        macs=report.macCount,
        npu_ops=report.npuOps,
        cpu_ops=report.cpuOps,
        sram_bytes=_sram_bytes(report, settings),
        flash_bytes=len(weights) + len(command_stream),
        scratch_bytes=model.scratch.size,
        command_stream=command_stream,
        weights=weights,
        fast_bytes=model.scratch_fast.size if model.scratch_fast.region != model.read_only.region else None,
        inputs=tuple(map(_io_tensor, model.inputs)),
        outputs=tuple(map(_io_tensor, model.outputs)),
        operators=_operator_costs(model.opt_database.tables) if operators else (),
    )


def debug_tables(tosa: bytes, target: Target) -> dict[str, list[dict[str, str]]]:
    """All of Vela's debug tables, for checking its cost model and not for tuning: `perf_debug` and `perf_debug_main`
    have what that model is fed and what it makes of it.

    Args:
        tosa: a serialised program, TOSA 1.0.
        target: the accelerator and its board.

    Returns:
        Rows of each table as column -> cell.

    Raises:
        VelaRefused, ModelError: as `compile_tosa`.
    """
    from ethosu import regor

    settings = _settings(target)
    try:
        model = regor.compile(
            settings.accelerator, tosa, "TOSA", settings.system, options=settings.options_with_rows, verbose=False
        )
    except RuntimeError as error:
        raise VelaRefused(_one_line(str(error))) from error
    return {name: _rows(table) for name, table in model.opt_database.tables.items()}


@dataclass(frozen=True)
class _Settings:
    """What regor wants to know about a target, as `ethosu.vela.vela.main` would tell it."""

    accelerator: str
    system: str
    options: str
    options_with_rows: str
    constants_on_chip: bool


@lru_cache
def _settings(target: Target) -> _Settings:
    # Vela takes milliseconds to read its .ini, about what a small program takes to compile.
    # First: Vela's modules import each other in a circle that only this way in gets through.
    import_module("ethosu.vela.vela")
    from ethosu.vela.tensor import MemArea

    with redirect_stdout(io.StringIO()):
        architecture = target.vela_architecture()
    family = target.family
    system = (
        "[architecture]\n"
        f"macs={architecture.num_macs_per_cycle}\n"
        f"cores={architecture.ncores}\n"
        "[vela]\n"
        f"system_config_name={target.system_config}\n"
        f"memory_mode_name={target.memory_mode}\n"
        f"{target.config_text()}"
    )
    return _Settings(
        accelerator="".join(part.capitalize() for part in family.split("-")),
        system=system,
        options=_compiler_options(architecture.arena_cache_size, debug_database=False),
        options_with_rows=_compiler_options(architecture.arena_cache_size, debug_database=True),
        constants_on_chip=architecture.permanent_storage_mem_area == MemArea.OnChipFlash,
    )


def _compiler_options(arena_cache_size: int, debug_database: bool) -> str:
    """The options of `vela --output-format=raw`, the rest at Vela's defaults: how ExecuTorch calls it."""
    from ethosu.vela.nn_graph import TensorAllocator
    from ethosu.vela.scheduler import OptimizationStrategy
    from ethosu.vela.tensor import Tensor
    from ethosu.vela.vela import get_compiler_config

    text: str = get_compiler_config(
        enable_debug_db=debug_database,
        verbose_all=False,
        verbose_high_level_command_stream=False,
        verbose_register_command_stream=False,
        optimize=OptimizationStrategy.Performance,
        arena_cache_size=arena_cache_size,
        verbose_schedule=False,
        verbose_allocation=False,
        verbose_graph=False,
        verbose_quantization=False,
        verbose_packing=False,
        verbose_performance=False,
        show_cpu_operations=False,
        output_format="raw",
        disable_chaining=False,
        disable_fwd=False,
        disable_cascading=False,
        disable_buffering=False,
        disable_ifm_reuse=False,
        cop_format="COP1",
        separate_io_regions=False,
        cpu_tensor_alignment=Tensor.AllocationQuantum,
        tensor_allocator=TensorAllocator.HillClimb,
        softmax_int16_neg_exp_range=10.0,
    )
    return text


def _io_tensor(tensor: Any) -> IoTensor:
    return IoTensor(tuple(tensor.shape), tensor.element_size, tensor.region, tensor.address)


def _sram_bytes(report: Any, settings: _Settings) -> int:
    memories = {str(name).lower(): memory.peakUsage for name, memory in report.memories.items()}
    peak: int = memories.get("sram", 0)
    # Where a memory mode has everything in SRAM, Vela calls the constants' share on-chip flash but counts
    # it in the peak; its summary takes it out again.
    if settings.constants_on_chip and "onchipflash" not in memories:
        peak -= report.readOnlyPeakUsage
    return peak


def _operator_costs(tables: dict[str, Any]) -> tuple[OperatorCost, ...]:
    """Join Vela's debug tables, whose cells are all strings.

    `perf` is what was scheduled, and `source` the program as read. `group` says which operation is fused into which,
    and `queue` where operations start in the command stream.
    """
    source_of = {row["id"]: row for row in _rows(tables["source"])}
    fused = {row["id"] for row in _rows(tables["group"])}
    offsets: dict[str, list[int]] = defaultdict(list)
    for row in _rows(tables["queue"]):
        offsets[row["scheduled_id"]].append(int(row["offset"]))
    scheduled = _rows(tables["perf"])
    # Operations that Vela adds itself, such as the And behind a Greater on U85, name no source: they go with the one
    # before them.
    known = (source_of[row["source_id"]] for row in scheduled if row["source_id"] in source_of)
    source = next(known, next(iter(source_of.values()), {"operator": "", "ext_key": "0"}))
    costs = []
    for row in scheduled:
        source = source_of.get(row["source_id"], source)
        costs.append(
            OperatorCost(
                name=row["name"],
                source_op=source["operator"],
                source_index=int(source["ext_key"]),
                npu_op=row["operator"],
                cycles=int(row["op_cycles"]),
                npu_cycles=int(row["npu_cycles"]),
                macs=int(row["mac_count"]),
                sram_bytes=int(row["staging_usage"]),
                fused=row["id"] in fused,
                stream_offsets=tuple(offsets[row["id"]]),
            )
        )
    return tuple(costs)


def _rows(table: Any) -> list[dict[str, str]]:
    header = table.header
    return [dict(zip(header, row, strict=True)) for row in table.data]


def _one_line(reason: str) -> str:
    lines = [line.strip(" -\t") for line in reason.removeprefix("Compilation failed:").splitlines()]
    return "; ".join(line for line in lines if line)
