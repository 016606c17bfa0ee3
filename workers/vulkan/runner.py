"""A user's own runner of ExecuTorch programs.

It runs on a desktop's Vulkan, on a software Vulkan, or on a phone by adb.

It is called as ExecuTorch's `executor_runner` is, so that program itself, built with Vulkan, is a runner:

    COMMAND --model_path=net.pte --inputs=input-0.bin,input-1.bin --output_file=output

Inputs are the values of the tensors, row by row and without gaps, of the program's element types. The runner writes its
outputs likewise to `output-0.bin`, `output-1.bin` and so on, and exits with 0.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from workers.errors import ModelError
from workers.pool.user_command import output_of

#: After so long it is taken to hang.
SECONDS = 600.0


def run_on(
    command: str, program: bytes, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Have a program run by the user's runner.

    Args:
        command: with its arguments, as for a shell; it is started without one.
        program: content of the `.pte`.
        inputs: tensors, in the order of the program's.
        outputs: tensors of the element types and shapes that the outputs have.

    Returns:
        What the runner wrote.

    Raises:
        ModelError: it cannot be started, fails, hangs, or writes something else than the outputs.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "net.pte").write_bytes(program)
        names = [f"input-{number}.bin" for number in range(len(inputs))]
        for name, value in zip(names, inputs, strict=True):
            (folder / name).write_bytes(value.detach().contiguous().numpy().tobytes())
        arguments = [
            f"--model_path={folder / 'net.pte'}",
            f"--inputs={','.join(str(folder / name) for name in names)}",
            f"--output_file={folder / 'output'}",
        ]
        output_of([*_words(command), *arguments], f"--vk-runner {command}", SECONDS)
        return tuple(_read(folder / f"output-{number}.bin", one, command) for number, one in enumerate(outputs))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ModelError(f"--vk-runner {command}: cannot be started ({error})") from error


def _read(file: Path, wanted: torch.Tensor, command: str) -> torch.Tensor:
    try:
        content = bytearray(file.read_bytes())
    except OSError as error:
        raise ModelError(f"--vk-runner {command}: wrote no {file.name}") from error
    if len(content) != wanted.numel() * wanted.element_size():
        expected = wanted.numel() * wanted.element_size()
        raise ModelError(f"--vk-runner {command}: {file.name} has {len(content)} bytes, and the output {expected}")
    return torch.frombuffer(content, dtype=wanted.dtype).reshape(wanted.shape) if content else wanted
