"""From an exported model to TOSA, exactly as ExecuTorch lowers it for Ethos-U, but without running Vela."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from search_space.choices.frontend.base import Setting
from search_space.tosa_file.reader import returned_inputs
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.cost.estimates.host_operators import HostOperator, host_operators, on_cpu
from workers.ethos_u.files.run_pte.kernels import without_kernel
from workers.ethos_u.lowering.delegates.delegate_calls import (
    DelegateInputs,
    RecordedRun,
    delegates,
    graph_modules,
    recorded_inputs,
    recorded_run,
)
from workers.ethos_u.lowering.delegates.layouts import interface_of, with_final_layouts
from workers.ethos_u.lowering.delegates.rejections import rejections
from workers.ethos_u.lowering.delegates.stock_faults.carried_state import differing_state
from workers.ethos_u.lowering.delegates.stock_faults.delegate_edges import check_edges
from workers.ethos_u.lowering.delegates.stock_faults.dropped_operands import TAKEN_ONCE, dropped_operands
from workers.ethos_u.lowering.delegates.stock_faults.lowered_outputs import unlike_outputs
from workers.ethos_u.lowering.delegates.stock_faults.misplaced_permutes import ORDER_LOST, misplaced_permutes
from workers.ethos_u.lowering.delegates.stock_faults.refusal import causes, something_else
from workers.ethos_u.lowering.delegates.stock_faults.written_file import check_file
from workers.ethos_u.lowering.frontend import is_for_quantiser, lowering_by
from workers.ethos_u.lowering.quantise import quantise
from workers.ethos_u.lowering.toolchain import (
    empty_delegates,
    ethos_u_compile_spec,
    shared_provenance,
    to_edge,
    to_executorch,
    tosa_as_blob,
)
from workers.ethos_u.target import Target
from workers.models.calibration import calibration_for
from workers.models.error_place import advice, with_place
from workers.models.exported.io_layout import Interface
from workers.models.exported.state.growing_state import growing_state
from workers.models.exported.state.module_state import (
    as_written,
    lost_starts,
    lost_state,
    state_kept,
    written_buffers,
)
from workers.models.exported.state.write_back import misplaced_values
from workers.models.exported.tensors import as_arrays, copied
from workers.models.types import ExportedModel, is_quantised
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.exir import EdgeProgramManager, ExecutorchProgramManager
    from torch.export import ExportedProgram

_RECORDED_SAMPLES = 2


@dataclass(frozen=True, eq=False)
class Lowered:
    """What stock ExecuTorch makes of a model.

    Attributes:
        graphs: one TOSA flatbuffer per delegate, in the order in which the program calls them.
        host_operators: those left on the CPU, in program order.
        calibration_inputs: for each delegate, what reaches it on the first (at most 2) calibration inputs. They are
            arrays of the shapes and element types of its TOSA inputs, in their order.
        warnings: for the user.
        interface: dim orders of the program's inputs and outputs, as a `.pte` has them.
    """

    graphs: tuple[bytes, ...]
    host_operators: tuple[HostOperator, ...]
    calibration_inputs: tuple[DelegateInputs, ...]
    warnings: tuple[str, ...]
    interface: Interface


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised program and what comes with it.

    Attributes:
        program: what `to_edge` takes.
        compile_spec: of the target that it was quantised for.
        samples: the inputs that it was quantised on.
        warnings: for the user.
    """

    program: "ExportedProgram"
    compile_spec: "EthosUCompileSpec"
    samples: Sequence[tuple[Any, ...]]
    warnings: tuple[str, ...]


def quantised_program(
    model: ExportedModel, target: Target, *, seed: int, calibration_data: Path | None = None, setting: Setting = ()
) -> Quantised:
    """Quantise a model, unless it is quantised.

    Args:
        model: exported, float or quantised.
        target: the accelerator and its board.
        seed: of the random calibration inputs that stand in when neither the model nor the user has any.
        calibration_data: see `workers.models.calibration.calibration_for`.
        setting: of which its quantiser choices are taken.

    Returns:
        The quantised program with its compile spec and the samples.

    Raises:
        ModelError: bad calibration data, or ExecuTorch cannot quantise the model, or not so.
    """
    calibration = calibration_for(model.name, model.example_inputs, model.calibration_inputs, calibration_data, seed)
    with toolchain_hushed():
        compile_spec = ethos_u_compile_spec(target)
        if is_quantised(model.program):
            if is_for_quantiser(setting):
                raise ModelError(f"{model.name}: is quantised already; this recipe needs the float model")
            unused = ("the model is already quantised: --calibration-data is not used",)
            warnings: tuple[str, ...] = unused if calibration_data else ()
            return Quantised(model.program, compile_spec, calibration.samples, warnings)
        program = quantise(model, calibration.samples, compile_spec, setting)
    warnings = calibration.warnings
    if not setting:
        warnings += growing_state(model.program, calibration.samples)
    return Quantised(program, compile_spec, calibration.samples, warnings)


def lower(
    model: ExportedModel, target: Target, *, seed: int, calibration_data: Path | None = None, setting: Setting = ()
) -> Lowered:
    """Quantise (unless it is quantised), partition and lower a model.

    Args:
        model: exported, float or quantised.
        target: the accelerator and its board.
        seed: as of `quantised_program`.
        calibration_data: as of `quantised_program`.
        setting: inside ExecuTorch; empty as stock ExecuTorch lowers.

    Returns:
        The delegates' TOSA and what runs around them.

    Raises:
        ModelError: bad calibration data, ExecuTorch cannot lower the model, or nothing in it can run on the
            NPU.
    """
    with toolchain_hushed():
        quantised = quantised_program(model, target, seed=seed, calibration_data=calibration_data, setting=setting)
        with rejections() as reasons, misplaced_permutes() as misplaced, dropped_operands() as dropped:
            faults = (ORDER_LOST, misplaced), (TAKEN_ONCE, dropped)
            try:
                edge = _with_tosa(model, target, quantised, setting)
            except ModelError as error:
                # Its own steps stop at shapes that these faults leave.
                if found_faults := causes(faults):
                    raise ModelError("; ".join((str(error), *found_faults))) from error
                raise
        lowered = edge.exported_program()
        found = list(delegates(lowered.graph_module))
        graphs = tuple(tosa for _, tosa in found)
        on_host = tuple(
            replace(one, reason=reasons.get(one.name, ""))
            for one in host_operators(graph_modules(lowered.graph_module))
        )
        if not graphs:
            left = ", ".join(on_cpu(on_host)) or "nothing"
            raise ModelError(f"{model.name}: no operator runs on {target.accelerator}; on the CPU: {left}")
        for cause in causes(faults):
            raise something_else(model.name, cause)
        check_edges(found, model.name)
        warnings = quantised.warnings + _copied_inputs(graphs)
        interface = interface_of(lowered, with_final_layouts(lowered.graph_module, model.name))
        try:
            recorded = recorded_inputs(lowered, quantised.samples[:_RECORDED_SAMPLES])
        except ReferenceFailed as error:
            raise ModelError(f"{model.name}: the reference model does not run a delegate, {error}") from error
        _check_state(model, quantised, lowered)
        _check_carried(model.name, quantised, lowered)
        warnings += lost_starts(lowered)
        if not setting:
            run = _first_run(lowered, quantised) if len(recorded) == len(graphs) else None
            if run is not None and not written_buffers(lowered):
                warnings += unlike_outputs(model.name, _outputs_of(quantised), run.outputs)
            # What cannot be written is known before anything is searched. It comes last, since it changes graphs.
            with _refused(f"{model.name}: ExecuTorch lowers it and cannot write it as a .pte"):
                written = to_executorch(edge)
            missing = _missing_kernels(written)
            warnings += missing
            if run is not None and not missing:
                warnings += check_file(model.name, bytes(written.buffer), as_arrays(quantised.samples[0]), run)
    unknown = len(graphs) - len(recorded)
    if unknown:
        warnings += (f"{unknown} delegates inside control flow are not checked on the calibration inputs",)
    return Lowered(graphs, on_host, (*recorded, *[()] * unknown), warnings, interface)


def lowered_program(
    model: ExportedModel, target: Target, quantised: Quantised, setting: Setting = ()
) -> "ExportedProgram":
    """The program with its delegates, whose blobs are TOSA flatbuffers.

    Args:
        model: exported.
        target: the accelerator and its board.
        quantised: of the model, by `quantised_program`.
        setting: inside ExecuTorch.

    Returns:
        The program.

    Raises:
        ModelError: as `lower`.
    """
    return _with_tosa(model, target, quantised, setting).exported_program()


def _with_tosa(model: ExportedModel, target: Target, quantised: Quantised, setting: Setting) -> "EdgeProgramManager":
    with _refused(f"{model.name}: ExecuTorch cannot lower it for {target.accelerator}"), tosa_as_blob():
        return _edge(quantised, setting)


def program_around(
    model: ExportedModel, target: Target, quantised: Quantised, setting: Setting = ()
) -> "ExportedProgram":
    """`lowered_program` with delegates that have empty blobs: what runs around them, in a fraction of the time.

    Args:
        model: exported.
        target: the accelerator and its board.
        quantised: of the model, by `quantised_program`.
        setting: inside ExecuTorch.

    Returns:
        The program.

    Raises:
        ModelError: ExecuTorch cannot partition it.
    """
    with _refused(f"{model.name}: ExecuTorch cannot partition it for {target.accelerator}"), empty_delegates():
        return _edge(quantised, setting).exported_program()


def _edge(quantised: Quantised, setting: Setting) -> "EdgeProgramManager":
    with toolchain_hushed(), lowering_by(setting), shared_provenance():
        return to_edge(quantised.program, quantised.compile_spec)


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever 137 passes raise on a graph that they do not expect
        raise ModelError(f"{what}, {with_place(error)}{advice(error)}") from error


def _check_state(model: ExportedModel, quantised: Quantised, lowered: "ExportedProgram") -> None:
    """Refuse a model whose `.pte` would compute something else from the second run on."""
    lost = [] if is_quantised(model.program) else lost_state(model.program, quantised.program, lowered)
    if lost:
        raise ModelError(
            f"{model.name}: ExecuTorch lowers it to a program that computes something else from its second run on: "
            f"what is written to {', '.join(lost)} is lost. Its quantiser copies what operators in place write to, and "
            "takes what depends on no input for a constant. Write the new value with copy_, such as "
            "`count.copy_(count + 1)`, to a buffer that is not int64, or make it an input and an output of the model"
        )
    if misplaced := misplaced_values(lowered):
        raise ModelError(
            f"{model.name}: ExecuTorch lowers it to a program that computes something else from its second run on: "
            f"what one buffer holds does not get to another place as it is ({', '.join(misplaced)}). Keep both in one "
            "buffer that is written once, by torch.cat and copy_, or make them inputs and outputs of the model"
        )


def _check_carried(name: str, quantised: Quantised, lowered: "ExportedProgram") -> None:
    """Refuse a model whose lowered program has another state than the quantised one after some runs."""
    try:
        differs = differing_state(quantised.program, lowered, quantised.samples)
    except ReferenceFailed:
        return  # on its own inputs the reference model ran it; with this state nothing is right or wrong
    if differs:
        raise ModelError(
            f"{name}: ExecuTorch lowers it to a program that computes something else from its second run on: {differs} "
            "is not what the model carries on. Compute the new values of all buffers first and write them last, or "
            "make them inputs and outputs of the model"
        )


def _first_run(lowered: "ExportedProgram", quantised: Quantised) -> RecordedRun | None:
    """Of the first sample, from the state that a `.pte` starts with. None if the outputs are not defined or numpy has
    no type for them."""
    with state_kept(lowered.module(check_guards=False)):  # it shares its buffers with the module that is run
        try:
            return recorded_run(as_written(lowered), quantised.samples[0])
        except (ModelError, ReferenceFailed):
            return None


def _outputs_of(quantised: Quantised) -> list[np.ndarray]:
    """Of the first sample."""
    import torch

    module = quantised.program.module(check_guards=False)
    with torch.no_grad(), state_kept(module):
        return as_arrays(module(*copied(quantised.samples[0])))


def _copied_inputs(graphs: Sequence[bytes]) -> tuple[str, ...]:
    """A warning about delegates that Vela does not compile as ExecuTorch makes them."""
    named = [f"{name} of delegate {at}" for at, tosa in enumerate(graphs) for name in returned_inputs(tosa)]
    if not named:
        return ()
    return (
        f"stock ExecuTorch does not lower this model, since a delegate returns an input as it is ({', '.join(named)}); "
        "here the NPU copies it, in the default lowering too",
    )


def _missing_kernels(written: "ExecutorchProgramManager") -> tuple[str, ...]:
    """A warning about operators on the CPU that ExecuTorch itself does not run."""
    plans = written.executorch_program.execution_plan
    called = [f"{one.name}.{one.overload}".rstrip(".") for plan in plans for one in plan.operators]
    missing = without_kernel(called)
    if not missing:
        return ()
    return (
        f"the .pte does not run with ExecuTorch's kernels, which lack {', '.join(missing)}; "
        "write the model without, or register kernels of your own",
    )
