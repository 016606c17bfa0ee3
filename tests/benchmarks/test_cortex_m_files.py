"""Small whole files under QEMU: what a guard says that kernels do, and what rewrites mend.

They run where `python -m benchmarks.cortex_m.files` was called before. Elsewhere they are skipped, in CI too: to build
the program takes ten minutes, and its sources are in no package.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from benchmarks.cortex_m.files import run_file
from tuner.paths import cache_folder
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.write import written
from workers.cortex_m.passes.base import Rewrite
from workers.cortex_m.passes.lowered.crop_by_slices import CropBySlices
from workers.cortex_m.passes.lowered.softmax_innermost import SoftmaxInnermost
from workers.cortex_m.passes.lowered.transpose_by_four import TransposeByFour
from workers.cortex_m.target import InstructionSet, Target

PROGRAMS = {one: cache_folder() / "cortex-m-files" / one.value / "runner.elf" for one in InstructionSet}

pytestmark = pytest.mark.skipif(
    not all(program.exists() for program in PROGRAMS.values()), reason="the programs for QEMU are not built"
)


class Does(nn.Module):
    """A function of a convolution's or linear layer's outputs, or of the inputs."""

    def __init__(self, function: Callable[..., torch.Tensor], layer: nn.Module | None = None) -> None:
        super().__init__()
        self.function, self.layer = function, layer

    def forward(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x) if self.layer is not None else x + x, *others)


def softmax_of_a_pixel() -> nn.Module:
    return Does(lambda x: torch.softmax(x, 1), nn.Conv2d(4, 10, 1))


def channel_shuffle() -> nn.Module:
    return Does(lambda x: x.view(1, 2, 4, 3, 5).transpose(1, 2).reshape(1, 8, 3, 5), nn.Conv2d(6, 8, 1))


def pixel_shuffle() -> nn.Module:
    return Does(lambda x: x.view(1, 2, 2, 2, 3, 5).permute(0, 1, 4, 2, 5, 3).reshape(1, 2, 6, 10), nn.Conv2d(6, 8, 1))


def crop() -> nn.Module:
    return Does(lambda x: nn.functional.pad(x, (1, -3)), nn.Linear(10, 8))


def wide() -> nn.Module:
    return Does(lambda x: x.t())


def largest_by_row() -> nn.Module:
    return Does(lambda x, y: torch.maximum(x, y + y))


def outcome(
    model: Callable[[], nn.Module], shapes: list[tuple[int, ...]], rewrite: Rewrite | None, target: Target
) -> tuple[str, list[Severity]]:
    """What came of the file, and the guards' verdicts."""
    torch.manual_seed(0)
    inputs = tuple(torch.randn(shape) for shape in shapes)
    quantised = quantise(model().eval(), inputs)
    lowering = Lowering(to_edge(quantised), target)
    program = lowering.lowered(lowering.in_order([rewrite] if rewrite else []))
    expected = outputs_of(program, inputs)
    content = written(program).content
    found, _ = run_file(PROGRAMS[target.instruction_set], content, inputs, expected, target.instruction_set)
    shapes_due = [tuple(one.shape) for one in outputs_of(quantised, inputs)]
    return found, [one.severity for one in verdicts(program, target, shapes_due) if one.severity is not Severity.FLOAT]


@pytest.mark.parametrize("cpu", ["cortex-m55", "cortex-m4"])
@pytest.mark.parametrize(
    ("model", "shape", "rewrite"),
    [
        (softmax_of_a_pixel, (1, 4, 1, 1), SoftmaxInnermost()),
        (channel_shuffle, (1, 6, 3, 5), TransposeByFour()),
        (pixel_shuffle, (1, 6, 3, 5), TransposeByFour()),
        (crop, (2, 3, 10), CropBySlices()),
    ],
)
def test_a_mended_file_gives_what_python_gives(
    model: Callable[[], nn.Module], shape: tuple[int, ...], rewrite: Rewrite, cpu: str
) -> None:
    assert outcome(model, [shape], rewrite, Target.parse(cpu)) == ("equal", [])


@pytest.mark.parametrize("cpu", ["cortex-m55", "cortex-m4"])
@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (softmax_of_a_pixel, [(1, 4, 1, 1)]),
        (channel_shuffle, [(1, 6, 3, 5)]),
        (largest_by_row, [(1, 4, 6, 6), (1, 4, 1, 1)]),
        (wide, [(8, 10_000)]),
    ],
)
def test_a_guard_says_what_the_kernel_does(
    model: Callable[[], nn.Module], shapes: list[tuple[int, ...]], cpu: str
) -> None:
    found, said = outcome(model, shapes, None, Target.parse(cpu))
    happened = Severity.FAILS if found.startswith("status") else Severity.WRONG
    assert said == ([] if found == "equal" else [happened])
    # On DSP the kernel has no offsets of 16 bits.
    assert (found == "equal") == (model is wide and cpu == "cortex-m4")
