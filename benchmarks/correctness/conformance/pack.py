"""A folder of programs with inputs and expected outputs, for somebody who has the hardware."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.correctness.conformance.cases import Case, cases
from benchmarks.correctness.conformance.delegate_only import DelegateOnly, delegate_only
from search_space.ir.graph import Graph
from workers.checking.check_inputs import CheckInput
from workers.checking.reference import run_on_each
from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.npu_model import MODEL_VERSION, Fault, Unmodelled, execute
from workers.ethos_u.stream_check.interface import compared, used_inputs
from workers.ethos_u.target import Target

_HERE = Path(__file__).parent


def write_pack(folder: Path, target: Target, only: Sequence[str], tell: Callable[[str], object]) -> None:
    """Write the programs for a target.

    Each has a `program.pte`, a `program.bpte`, and its sets of inputs and outputs.

    Args:
        folder: made if missing; what is in it of an earlier pack is replaced.
        only: names of cases, all if empty.
        tell: is given a line for each case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = []
    for case in cases(target.family):
        if only and case.name not in only:
            continue
        written = delegate_only(case.graph, target)
        one = _described(case, written)
        shutil.rmtree(folder / case.name, ignore_errors=True)
        _write(folder / case.name, case, written)
        described.append(one)
        tell(f"{case.name}: {one['npu_model']}")
    versions = toolchain_versions()
    pack = {
        "accelerator": target.accelerator,
        "system_config": target.system_config,
        "memory_mode": target.memory_mode,
        "versions": {name: versions[name] for name in ("executorch", "ethos-u-vela", "tosa-tools", "velatune")},
        "npu_model": MODEL_VERSION,
        "cases": described,
    }
    (folder / "cases.json").write_text(json.dumps(pack, indent=1) + "\n")
    shutil.copyfile(_HERE / "run.py", folder / "run.py")
    (folder / "README.md").write_text(_read_me(pack))


def _described(case: Case, written: DelegateOnly) -> dict[str, Any]:
    outputs = run_on_each(case.graph, [case.inputs[0].arrays])[0]
    return {
        "name": case.name,
        "shows": case.shows,
        "question": case.question,
        "inputs": len(case.graph.inputs),
        "outputs": [{"dtype": str(one.dtype), "shape": list(one.shape)} for one in outputs],
        "sets": [one.kind for one in case.inputs],
        "npu_model": _npu_model(case, written),
    }


def _npu_model(case: Case, written: DelegateOnly) -> str:
    """What velatune's model of the NPU says: `agrees`, `other answer`, or what it objects to."""
    (delegate,) = delegates_of(written.content, case.name)
    program = delegate.npu_program
    try:
        found = execute(program, used_inputs(case.graph, program, _stacked([one.arrays for one in case.inputs])))
    except (Fault, Unmodelled) as error:
        return f"objects: {error}"

    def reason(graph: Graph) -> str:
        expected = _stacked(_outputs(graph, case.inputs))
        return compared(case.graph, program, expected, found, [one.kind for one in case.inputs]).reason

    first = reason(case.graph)
    if first and case.otherwise is not None and not reason(case.otherwise):
        return "other answer"
    return f"differs: {first}" if first else "agrees"


def _write(folder: Path, case: Case, written: DelegateOnly) -> None:
    folder.mkdir(parents=True)
    (folder / "program.pte").write_bytes(written.content)
    (folder / "program.bpte").write_bytes(_bundled(case, written))
    _write_sets(folder, "i", [one.arrays for one in case.inputs])
    _write_sets(folder, "expected-", _outputs(case.graph, case.inputs))
    if case.otherwise is not None:
        _write_sets(folder, "otherwise-", _outputs(case.otherwise, case.inputs))


def _write_sets(folder: Path, name: str, sets: Sequence[Sequence[np.ndarray]]) -> None:
    """Raw, little-endian, in the order of dimensions."""
    for number, arrays in enumerate(sets):
        (folder / str(number)).mkdir(exist_ok=True)
        for at, array in enumerate(arrays):
            (folder / str(number) / f"{name}{at}.bin").write_bytes(np.ascontiguousarray(array).tobytes())


def _bundled(case: Case, written: DelegateOnly) -> bytes:
    """The program together with inputs and expected outputs, as ExecuTorch's runner takes it built with BundleIO."""
    from executorch.devtools import BundledProgram
    from executorch.devtools.bundled_program.config import MethodTestCase, MethodTestSuite
    from executorch.devtools.bundled_program.serialize import serialize_from_bundled_program_to_flatbuffer

    tests = [
        MethodTestCase(inputs=_tensors(one.arrays), expected_outputs=_tensors(expected))
        for one, expected in zip(case.inputs, _outputs(case.graph, case.inputs), strict=True)
    ]
    bundled = BundledProgram(written.manager, [MethodTestSuite("forward", tests)])
    return bytes(serialize_from_bundled_program_to_flatbuffer(bundled))


def _tensors(arrays: Sequence[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(array.copy()) for array in arrays]


def _outputs(graph: Graph, inputs: Sequence[CheckInput]) -> list[list[np.ndarray]]:
    return run_on_each(graph, [one.arrays for one in inputs])


def _stacked(sets: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    return [np.stack(arrays) for arrays in zip(*sets, strict=True)]


def _read_me(pack: dict[str, Any]) -> str:
    rows = [
        f"| {one['name']} | {one['shows']} | {one['npu_model'].partition(':')[0]} | {one['question']} |"
        for one in pack["cases"]
    ]
    text = (_HERE / "pack_readme.md").read_text(encoding="utf-8")
    values = {
        "accelerator": pack["accelerator"],
        "system_config": pack["system_config"],
        "memory_mode": pack["memory_mode"],
        "count": str(len(rows)),
        "vela": pack["versions"]["ethos-u-vela"],
        "executorch": pack["versions"]["executorch"],
        "cases": "\n".join(rows),
    }
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
