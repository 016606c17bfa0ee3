"""What a file from the network holds.

It is examined in a process of its own with little to lose.

    python -m workers.models.inspect_model FILE

prints one JSON object: `{"inputs": [...], "operators": 12, "quantised": true}` of a model, `{"inputs": [...],
"samples": 16}` of calibration inputs, or `{"error": "one line"}` for a file that is not taken. Nothing of a model is
run: its shapes are worked out on tensors without contents.
"""

import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from workers.errors import ModelError, one_line
from workers.models.file_checks.pt2_check import Refused
from workers.models.file_checks.size_limits import check_count, check_size

_CPU_SECONDS = 120
_WRITTEN_BYTES = 16 * 2**20
_MODEL_MEMORY_BYTES = 12 * 2**30
_INPUTS_MEMORY_BYTES = 4 * 2**30
"""Of address space. torch and its libraries take some of it before the first tensor is made."""


def main() -> None:
    """See the module."""
    path = Path(sys.argv[1])
    _bound(_MODEL_MEMORY_BYTES if path.suffix in _MODELS else _INPUTS_MEMORY_BYTES)
    print(json.dumps(found_in(path)))  # noqa: T201


def found_in(path: Path) -> dict[str, Any]:
    """What is printed."""
    try:
        return (_MODELS.get(path.suffix) or _calibration)(path)
    except ModelError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{path.name}: reading it takes too much memory"}


def _bound(memory_bytes: int) -> None:
    """Take from this process what reading a file does not need."""
    for what, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, _WRITTEN_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _tosa(path: Path) -> dict[str, Any]:
    from search_space.ir.graph import CONST, INPUT
    from search_space.tosa_file.reader import read_tosa
    from workers.models.model_source import resolve
    from workers.models.types import TosaFile

    file = resolve(str(path))
    assert isinstance(file, TosaFile)
    graph = read_tosa(file.data, path.name)
    kinds: Counter[str] = Counter()
    for id in graph.order:
        node = graph.nodes[id]
        check_size(path.name, node.type.shape)
        if node.op not in (CONST, INPUT):
            kinds[node.op] += 1
    check_count(path.name, kinds.total())
    inputs = [graph.nodes[id] for id in graph.inputs]
    return {
        "inputs": [{"name": one.name, "shape": list(one.type.shape), "dtype": str(one.type.dtype)} for one in inputs],
        "operators": sum(kinds.values()),
        "quantised": True,
    }


def _exported(path: Path) -> dict[str, Any]:
    from workers.models.model_source import export, resolve
    from workers.models.types import ExportedFile, is_quantised

    file = resolve(str(path))
    assert isinstance(file, ExportedFile)
    model = export(ExportedFile(file.data, path.name))
    kinds = Counter(str(node.target) for node in model.program.graph.nodes if node.op == "call_function")
    check_count(path.name, kinds.total())
    _work_out_shapes(path, model.program)
    names = [name for name in model.program.graph_signature.user_inputs if isinstance(name, str)]
    return {
        "inputs": [
            {"name": name, "shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
            for name, value in zip(names, model.example_inputs, strict=False)
        ],
        "operators": sum(kinds.values()),
        "quantised": is_quantised(model.program),
    }


def _calibration(path: Path) -> dict[str, Any]:
    import torch

    from workers.models.calibration import read_samples
    from workers.models.file_checks.calibration_check import check_archive, check_inputs

    try:
        check_archive(path)
        samples = list(read_samples(path))
        check_inputs(samples)
    except Refused as refused:
        raise ModelError(f"{path.name}: refused, {refused}") from None
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged archive leads to
        raise ModelError(f"{path.name}: not readable calibration data, {one_line(error)}") from error
    if not samples:
        raise ModelError(f"{path.name}: holds no inputs")
    inputs = [
        {"name": str(index), "shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
        if isinstance(value, torch.Tensor)
        else {"name": str(index), "shape": [], "dtype": type(value).__name__}
        for index, value in enumerate(samples[0])
    ]
    return {"inputs": inputs, "samples": len(samples)}


def _work_out_shapes(path: Path, program: Any) -> None:
    """Hold every tensor that the program comes to against the limit: what the file says of them may be wrong."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.passes.fake_tensor_prop import FakeTensorProp
    from torch.utils import _pytree as pytree

    class Bounded(FakeTensorProp):
        def run_node(self, n: torch.fx.Node) -> Any:
            result = super().run_node(n)
            for value in pytree.tree_leaves(result):
                if isinstance(value, torch.Tensor):
                    check_size(path.name, tuple(value.shape))
            return result

    inputs = program._graph_module_flat_inputs(*program.example_inputs)
    try:
        Bounded(program.graph_module, FakeTensorMode()).propagate(*inputs)
    except ModelError:
        raise
    except Exception as error:  # whatever torch's rules for shapes raise
        raise ModelError(f"{path.name}: its operators do not fit together, {one_line(error)}") from error


_MODELS = {".tosa": _tosa, ".pt2": _exported}


if __name__ == "__main__":
    main()
