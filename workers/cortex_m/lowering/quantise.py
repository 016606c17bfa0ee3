"""A PyTorch model, quantised for Cortex-M as ExecuTorch quantises it: the part of lowering that no recipe changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any

import torch
from torch.export import ExportedProgram

from workers.cortex_m.lowering.preparation.prepared import prepare
from workers.errors import ModelError, one_line
from workers.models.error_place import advice, with_place
from workers.models.exported.state.module_state import StartState, same_random_numbers


def quantise(
    model: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    calibration: Iterable[tuple[Any, ...]] = (),
    explicit_layout: bool = True,
    rewrite: Callable[[torch.fx.GraphModule], object] | None = None,
) -> ExportedProgram:
    """The model with int8 quantisation in it, as an exported program of PyTorch's operators.

    Args:
        model: in evaluation mode.
        example_inputs: their shapes and dtypes become those of the program. The default pipeline wants images in
            `torch.channels_last`, or convolutions stay in float.
        calibration: inputs whose values the ranges are taken from; the example inputs alone if empty.
        explicit_layout: quantise for the explicit-layout pipeline, which also takes 1-D convolutions. The model is
            prepared for it.
        rewrite: changes the exported model before it is quantised.

    Returns:
        The program.

    Raises:
        ModelError: PyTorch cannot export the model, or ExecuTorch not quantise it.
    """
    from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from workers.models.exported.state.kept_writes import check_kept_writes

    try:
        original = torch.export.export(model, example_inputs)
        exported = original.module(check_guards=False)
        start = StartState(exported)
        if explicit_layout:
            prepare(exported)
        if rewrite is not None:
            rewrite(exported)
        prepared = prepare_pt2e(exported, CortexMQuantizer(use_explicit_layout=explicit_layout))
        start.put_back(prepared)
        samples = (*calibration,) or (example_inputs,)
        with torch.no_grad(), same_random_numbers():
            for inputs in samples:
                prepared(*inputs)
        # The program does not start with the state that calibrating ends with. Observers keep theirs.
        start.put_back(prepared)
        with torch.no_grad():
            check_kept_writes(original, prepared, samples)
        converted = convert_pt2e(prepared)
        start.put_back(converted)
        return torch.export.export(converted, example_inputs)
    except ModelError:
        raise
    except RecursionError as error:  # torchao follows values that share a scale in a circle
        raise ModelError(
            "the model cannot be quantised for Cortex-M: torchao's search for the scale of values that several "
            "operators share, such as concatenations and stacks, does not end"
        ) from error
    except Exception as error:  # PyTorch raises whatever the model makes it raise
        raise ModelError(f"the model cannot be quantised for Cortex-M: {with_place(error)}{advice(error)}") from error


def save(quantised: ExportedProgram, file: IO[bytes]) -> None:
    """Write a quantised program with PyTorch's own format, which holds tensors and a graph as JSON.

    Args:
        quantised: the program.
        file: that is open for writing bytes.
    """
    torch.export.save(quantised, file)


def load(file: IO[bytes]) -> ExportedProgram:
    """The quantised program in a file that `save` wrote.

    Raises:
        ModelError: the file is damaged, or no exported program of this version of PyTorch.
    """
    # The operators of quantisation have to be known before a graph can name them.
    import executorch.backends.cortex_m.passes  # noqa: F401

    try:
        return torch.export.load(file)
    except Exception as error:  # whatever a damaged archive makes PyTorch raise
        raise ModelError(f"not a quantised program ({one_line(error)})") from error
