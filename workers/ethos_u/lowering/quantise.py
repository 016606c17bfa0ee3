"""Post-training quantisation as ExecuTorch's aot_arm_compiler does it: int8, symmetric, per channel."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from search_space.choices.frontend.base import Setting
from workers.errors import ModelError
from workers.ethos_u.lowering.frontend import quantising_by
from workers.models.error_place import advice, with_place
from workers.models.exported.state.module_state import StartState, same_random_numbers, starts_of_written

if TYPE_CHECKING:
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from torch.export import ExportedProgram
    from torch.fx import GraphModule

    from workers.models.types import ExportedModel

QUANTISATION = "int8 symmetric per-channel"

#: What torch says of a value with more dimensions than what it is copied into.
_TOO_FEW_DIMENSIONS = "expand: the requested shape has too few dimensions"


def quantise(
    model: "ExportedModel", samples: Sequence[tuple[Any, ...]], compile_spec: "EthosUCompileSpec", setting: Setting = ()
) -> "ExportedProgram":
    """Quantise a float program and export the result.

    Args:
        model: float, exported.
        samples: argument tuples to quantise on.
        compile_spec: of the target.
        setting: of which its quantiser choices are taken.

    Returns:
        The quantised program.

    Raises:
        ModelError: torch or ExecuTorch cannot quantise it.
    """
    import torch

    # With its guards, the module has a call that the quantiser's passes stop at.
    module = model.program.module(check_guards=False)
    with _said_of(model.name, model.program), one_torch_thread(), torch.no_grad():
        with quantising_by(setting):
            converted = _converted(module, samples, compile_spec, model.program)
        return torch.export.export(converted, model.example_inputs)


def quantised_module(
    name: str, module: "GraphModule", samples: Sequence[tuple[Any, ...]], compile_spec: "EthosUCompileSpec"
) -> "GraphModule":
    """What `quantise` exports. What its operators are marked with stays.

    Args:
        name: of the model, for messages.
        module: that a program gives without its guards; it is used up.
        samples: argument tuples to quantise on.
        compile_spec: of the target.

    Returns:
        The quantised module.

    Raises:
        ModelError: torch or ExecuTorch cannot quantise it.
    """
    import torch

    with _said_of(name), one_torch_thread(), torch.no_grad():
        return _converted(module, samples, compile_spec)


def _converted(
    module: "GraphModule",
    samples: Sequence[tuple[Any, ...]],
    compile_spec: "EthosUCompileSpec",
    original: "ExportedProgram | None" = None,
) -> "GraphModule":
    """With the program that the module is of, what it writes in place is checked."""
    from executorch.backends.arm.quantizer import EthosUQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from workers.models.exported.state.kept_writes import check_kept_writes

    quantiser = EthosUQuantizer(compile_spec)
    quantiser.set_global(get_symmetric_quantization_config(is_per_channel=True))
    start = StartState(module)
    prepared = prepare_pt2e(module, quantiser)
    start.put_back(prepared)
    with same_random_numbers():
        for sample in samples:
            prepared(*sample)
    # The program does not start with the state that calibrating ends with. Observers keep theirs.
    start.put_back(prepared)
    if original is not None:
        check_kept_writes(original, prepared, samples)
    converted: GraphModule = convert_pt2e(prepared)
    start.put_back(converted)
    return converted


@contextmanager
def _said_of(name: str, program: "ExportedProgram | None" = None) -> Iterator[None]:
    """Errors become those of the model of this name. program: with it, errors about its buffers say what to do."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    except Exception as error:  # whatever torch, torchao and ExecuTorch raise on the user's model
        written = {} if program is None else starts_of_written(program)
        scalars = [buffer for buffer, start in written.items() if not start.dim()]
        if scalars and _TOO_FEW_DIMENSIONS in with_place(error):
            raise ModelError(
                f"{name}: ExecuTorch's quantiser makes tensors of shape [1] of numbers, which it cannot write to a "
                f"buffer without dimensions ({', '.join(scalars)}); give it shape [1], as by torch.zeros(1)"
            ) from error
        raise ModelError(f"{name}: cannot be quantised, {with_place(error)}{advice(error)}") from error


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Float sums depend on how many threads share them, and the scales on the sums: always one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
