"""What stock ExecuTorch makes of a model's file, none of velatune's lowering involved. Runs in a worker process."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from workers.errors import ModelError, one_line
from workers.ethos_u.files.pte import BACKEND
from workers.ethos_u.files.run_pte import PteProgram
from workers.models.calibration import calibration_for
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from torch.export import ExportedProgram

#: Sets of inputs that two programs are compared on.
_SETS = 2


@dataclass(frozen=True)
class Stock:
    """What came of it.

    Attributes:
        fault: in one line, why there is no `.pte`; empty if there is one.
        stage: where that was: `export`, `quantise`, `lower` or `write`.
        delegates: of the `.pte`.
    """

    stage: str = ""
    fault: str = ""
    delegates: int = 0


def write_file(file: Path, pt2: Path) -> str:
    """Let the user's own script write the `.pt2`.

    Args:
        file: Python, with `write`.
        pt2: where that goes.

    Returns:
        In one line, why it does not; empty if it does.
    """
    with toolchain_hushed():
        importlib.import_module("executorch.kernels.quantized")
        try:
            torch.set_num_threads(1)
            _imported(file).write(str(pt2))
        except Exception as error:  # whatever torch and ExecuTorch raise
            return one_line(error)
    return ""


def write_stock(file: Path, pt2: Path | None, target: str, out: Path) -> Stock:
    """Lower a model with stock ExecuTorch and write the `.pte`.

    Args:
        file: Python, with `make`.
        pt2: that its `write` has written; None if it has none, and `make` gives the model.
        target: of the NPU, as velatune writes it.
        out: where the `.pte` goes.

    Returns:
        What came of it.
    """
    stage = "export"
    with toolchain_hushed():
        importlib.import_module("executorch.kernels.quantized")
        try:
            torch.set_num_threads(1)
            example = samples = None
            if pt2 is None:
                net, example, samples = (*_imported(file).make(), None)[:3]
                program = torch.export.export(net, example)
            else:
                program = torch.export.load(pt2)
            stage = "quantise"
            if not _is_quantised(program):
                program = _quantised(program, example, samples, target)
            stage = "lower"
            edge = _lowered(program, target)
            stage = "write"
            content = bytes(edge.to_executorch().buffer)
        except Exception as error:  # whatever torch, ExecuTorch and Vela raise
            return Stock(stage, one_line(error))
    out.write_bytes(content)
    return Stock(delegates=content.count(BACKEND.encode()))


def compared(file: Path, stock: Path, tuned: Path) -> str:
    """In one line, what differs in what two `.pte`s compute; empty if nothing does."""
    module = _imported(file)
    torch.manual_seed(1)
    first, second = PteProgram.read(stock), PteProgram.read(tuned)
    for number in range(_SETS):
        arrays = [
            one.contiguous().numpy() if isinstance(one, torch.Tensor) else np.asarray(one)
            for one in torch.utils._pytree.tree_leaves(module.inputs())
            if one is not None and not isinstance(one, str)
        ]
        try:
            expected = first.run(arrays)
        except Exception as error:
            return f"stock's .pte does not run, {one_line(error)}"
        try:
            found = second.run(arrays)
        except Exception as error:
            return f"the tuned .pte does not run, {one_line(error)}"
        if len(expected) != len(found):
            return f"{len(found)} outputs, stock's has {len(expected)}"
        for at, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one.dtype != other.dtype or one.shape != other.shape or one.tobytes() != other.tobytes():
                return f"output {at} differs on inputs {number}: {_description(one, other)}"
    return ""


def _description(one: np.ndarray, other: np.ndarray) -> str:
    if one.dtype != other.dtype or one.shape != other.shape:
        return f"{other.dtype}{list(other.shape)}, stock's is {one.dtype}{list(one.shape)}"
    return f"{np.count_nonzero(one != other)} of {one.size} values"


def _imported(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"model_fuzz_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # torch looks branches up by module
    spec.loader.exec_module(module)
    return module


def _is_quantised(program: ExportedProgram) -> bool:
    return any("quantized_decomposed" in str(node.target) for node in program.graph.nodes)


def _quantised(program: ExportedProgram, example: Any, samples: Any, target: str) -> ExportedProgram:
    """As the user's own script does it; what calibrating and folding write to buffers is taken back."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import EthosUQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    if samples is None:
        if program.example_inputs is None:
            raise ModelError("it carries no example inputs")
        example = program.example_inputs[0]
        samples = calibration_for("", example, None, None, 0).samples
    quantiser = EthosUQuantizer(EthosUCompileSpec(target))
    quantiser.set_global(get_symmetric_quantization_config(is_per_channel=True))
    module = program.module(check_guards=False)
    start = {name: buffer.clone() for name, buffer in module.named_buffers()}
    prepared = prepare_pt2e(module, quantiser)
    with torch.no_grad():
        for sample in samples:
            prepared(*sample)
        converted = convert_pt2e(prepared)
        for name, buffer in converted.named_buffers():
            if name in start:
                buffer.copy_(start[name])
        return torch.export.export(converted, example)


def _lowered(program: ExportedProgram, target: str) -> Any:
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    return to_edge_transform_and_lower(
        program,
        partitioner=[EthosUPartitioner(EthosUCompileSpec(target))],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
