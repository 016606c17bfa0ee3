"""A float exported program and a candidate's settings -> the program with its Vulkan delegates."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError
from workers.models.error_place import with_place
from workers.vulkan.lowering.lowered import Delegate, HostOperator, Lowered
from workers.vulkan.lowering.operator_listing import operators_listed_once
from workers.vulkan.lowering.quantise import check_schemes, quantised_module
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.layers import Layer, number_layers
from workers.vulkan.model.unlowerable import remedies_of
from workers.vulkan.target import VulkanTarget

if TYPE_CHECKING:
    from executorch.exir import EdgeProgramManager
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

    from workers.models.types import ExportedModel

RUNTIME_NAME = "VulkanBackend"


def model_layers(model: ExportedModel) -> tuple[Layer, ...]:
    """The layers of a float model, by the numbers that recipes use."""
    return number_layers(model.program.module(check_guards=False))


def lower(
    model: ExportedModel, target: VulkanTarget, settings: Settings, samples: Sequence[tuple[Any, ...]]
) -> Lowered:
    """Quantise, rewrite, partition and compile a float model.

    Args:
        model: in floating point.
        target: the GPU.
        settings: what a recipe says.
        samples: argument tuples that static schemes are calibrated on; the others need none.

    Returns:
        The lowered program, with its delegates.

    Raises:
        ModelError: a scheme does not fit its layer, or torch or ExecuTorch fail on the model so.
    """
    with quiet_toolchain(), operators_listed_once():
        with _said_of(model.name, "cannot be rewritten or quantised so"):
            program, rewritten = quantised_program(model, settings, samples)
        with _said_of(model.name, "ExecuTorch cannot lower it so for Vulkan", model.program):
            return _lowered(program, target, settings, rewritten)


def quantised_program(
    model: ExportedModel, settings: Settings, samples: Sequence[tuple[Any, ...]]
) -> tuple[ExportedProgram, tuple[int, ...]]:
    """Rewrite and quantise a float model. Float passes come before the quantiser.

    Layers keep the numbers that they have in the model, whatever a pass makes of it.

    Args:
        model, settings, samples: as of `lower`.

    Returns:
        The program that is partitioned, and how often each pass rewrote.
    """
    import torch

    module: GraphModule = model.program.module(check_guards=False)
    layers = number_layers(module)
    check_schemes(layers, settings.schemes)
    if not (settings.schemes or settings.float_passes or settings.quantised_passes):
        return _copied(model.program), ()
    with torch.no_grad():
        rewritten = [one.apply(module) for one in settings.float_passes]
        module = quantised_module(module, settings.schemes, samples)
        rewritten += [one.apply(module) for one in settings.quantised_passes]
        return torch.export.export(module, model.example_inputs), tuple(rewritten)


def _copied(program: ExportedProgram) -> ExportedProgram:
    """ExecuTorch renames constants in the program that it lowers. Tensors are shared, they are not changed."""
    shared = (*program.state_dict.values(), *program.constants.values())
    return copy.deepcopy(program, {id(one): one for one in shared})


def _lowered(program: ExportedProgram, target: VulkanTarget, settings: Settings, rewritten: tuple[int, ...]) -> Lowered:
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    from workers.vulkan.lowering.backend import compiled_partitions
    from workers.vulkan.lowering.partitioner import VelatunePartitioner

    options = target.compile_options(half=settings.half)
    partitioner = VelatunePartitioner(options, settings.unfused, settings.on_cpu)
    with compiled_partitions() as compiled:
        edge = to_edge_transform_and_lower(
            program,
            transform_passes=[one.edge_pass() for one in settings.edge_passes] or None,
            partitioner=[partitioner],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
    delegates = []
    for name, blob, constants in _for_the_runtime(edge):
        part = compiled[blob]
        noticed = part.dropped_factors, part.returned_constants
        delegates.append(Delegate(name, part.program, part.graph, blob, constants, *noticed))
    on_host = tuple(_host_operators(edge.exported_program().graph_module, partitioner.reasons))
    return Lowered(edge, program, tuple(delegates), on_host, partitioner.fused, rewritten)


def _for_the_runtime(edge: EdgeProgramManager) -> Iterator[tuple[str, bytes, dict[str, bytes]]]:
    """Give every delegate the name that the runtime knows; in order of calls. With what it reads, and its constants."""
    from executorch.exir.delegate import executorch_call_delegate
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    module = edge.exported_program().graph_module
    for call in module.graph.nodes:
        if call.target is not executorch_call_delegate:
            continue
        name = str(call.args[0].target)
        ours: LoweredBackendModule = getattr(module, name)
        data = ours._named_data_store_output
        named = LoweredBackendModule(ours.original_module, RUNTIME_NAME, ours.processed_bytes, ours.compile_specs, data)
        named.meta = ours.meta
        setattr(module, name, named)
        constants = {} if data is None else {key: data.buffers[at.buffer_index] for key, at in data.pte_data.items()}
        yield name, bytes(named.processed_bytes), constants


def _host_operators(module: GraphModule, reasons: dict[str, str]) -> Iterator[HostOperator]:
    from executorch.exir.delegate import executorch_call_delegate

    for node in module.graph.nodes:
        if node.op == "call_function" and node.target not in (executorch_call_delegate, operator.getitem):
            name = getattr(node.target, "__name__", str(node.target))
            reason = reasons.get(node.name, "it would be alone between operators on the CPU")
            yield HostOperator(node.name, name, reason, _gives_integers(node))


def _gives_integers(node: Node) -> bool:
    dtype = getattr(node.meta.get("val"), "dtype", None)
    return dtype is not None and dtype.is_signed and not dtype.is_floating_point and not dtype.is_complex


@contextmanager
def _said_of(name: str, what: str, program: ExportedProgram | None = None) -> Iterator[None]:
    """Errors become those of the model of this name, with what to write instead if its program has a known cause."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    except Exception as error:  # whatever torch, torchao and ExecuTorch raise on the user's model
        instead = remedies_of(program) if program is not None else ""
        raise ModelError(f"{name}: {what}, {with_place(error)}{instead}") from error
