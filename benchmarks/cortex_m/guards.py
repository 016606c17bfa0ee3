"""Programs that guards name, and their mends, run by a command of yours: `python -m benchmarks.cortex_m.guards`.

Each program is run as the default lowering makes it, and again with the pass that corrects it. A row says what came of
it, what the guards say, and whether these agree. docs/cortex-m.md says what the command has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click
import torch
from torch import nn

from benchmarks.cortex_m.options import runner_option, target_option
from benchmarks.cortex_m.tried import tried
from benchmarks.markdown import row
from tuner.cortex_m.commands.measure import command_of
from workers import tasks
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.write import written
from workers.cortex_m.passes.base import Rewrite
from workers.cortex_m.passes.lowered.mends.crop_by_slices import CropBySlices
from workers.cortex_m.passes.lowered.mends.softmax_innermost import SoftmaxInnermost
from workers.cortex_m.passes.lowered.mends.transpose_by_four import TransposeByFour
from workers.cortex_m.run.expected import expected_of
from workers.cortex_m.target import Target


class _Does(nn.Module):
    """A function of what a layer gives, or of the doubled first input, and of the other inputs."""

    def __init__(self, function: Callable[..., torch.Tensor], layer: nn.Module | None) -> None:
        super().__init__()
        self.function, self.layer = function, layer

    def forward(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x) if self.layer is not None else x + x, *others)


@dataclass(frozen=True)
class Program:
    """A small model whose default lowering a guard may name.

    Attributes:
        name: in the table.
        shapes: of its inputs.
        function: of what the layer gives and of the other inputs.
        layer: makes the layer that takes the first input; None: the input is doubled.
        mend: a pass that gives a right file; None if there is none.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    function: Callable[..., torch.Tensor]
    layer: Callable[[], nn.Module] | None = None
    mend: Rewrite | None = None

    def model(self) -> nn.Module:
        """The model, with random weights."""
        return _Does(self.function, self.layer() if self.layer else None).eval()


def _clamped(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.hardtanh(x, 0.0, 1e-4)


def _large(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """The layer with large weights."""
    with torch.no_grad():
        layer.weight.mul_(10_000)
    return layer


PROGRAMS = (
    Program(
        "softmax of a pixel", ((1, 4, 1, 1),), lambda x: torch.softmax(x, 1), lambda: nn.Conv2d(4, 10, 1),
        SoftmaxInnermost(),
    ),
    Program(
        "channel shuffle", ((1, 6, 3, 5),),
        lambda x: x.view(1, 2, 4, 3, 5).transpose(1, 2).reshape(1, 8, 3, 5), lambda: nn.Conv2d(6, 8, 1),
        TransposeByFour(),
    ),
    Program(
        "pixel shuffle", ((1, 6, 3, 5),),
        lambda x: x.view(1, 2, 2, 2, 3, 5).permute(0, 1, 4, 2, 5, 3).reshape(1, 2, 6, 10), lambda: nn.Conv2d(6, 8, 1),
        TransposeByFour(),
    ),
    Program(
        "crop", ((2, 3, 10),), lambda x: nn.functional.pad(x, (1, -3)), lambda: nn.Linear(10, 8), CropBySlices()
    ),
    Program("wide transpose", ((8, 10_000),), lambda x: x.t()),
    Program("convolution into a tiny range", ((1, 4, 6, 6),), _clamped, lambda: _large(nn.Conv2d(4, 4, 3))),
    Program("depthwise into a tiny range", ((1, 8, 6, 6),), _clamped, lambda: _large(nn.Conv2d(8, 8, 3, groups=8))),
    Program("linear into a tiny range", ((2, 36),), _clamped, lambda: _large(nn.Linear(36, 4))),
    Program("maximum with one value a row", ((1, 4, 6, 6), (1, 4, 1, 1)), lambda x, y: torch.maximum(x, y + y)),
)  # fmt: skip


@click.command()
@runner_option
@target_option
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=60.0, metavar="SECONDS", help="of one run")
def cortex_m_guards(runner: str, target: str, timeout: float) -> None:
    """Have programs that guards name, and their mends, run by a command of yours."""
    command = command_of(runner)
    tasks.warm_up()
    aimed = Target.parse(target)
    click.echo("\n".join(row("program", "pass", "outputs", "guards", "agree", header=True)))
    for program in PROGRAMS:
        for mend in (None, program.mend) if program.mend else (None,):
            cells = _description(program, mend, aimed, command, timeout)
            click.echo("\n".join(row(program.name, f"`{mend}`" if mend else "", *cells)))


def _description(
    program: Program, mend: Rewrite | None, target: Target, command: list[str], timeout: float
) -> tuple[str, str, str]:
    """What came of a program, what the guards say, and whether they agree."""
    torch.manual_seed(0)
    inputs = tuple(torch.randn(shape) for shape in program.shapes)
    quantised = quantise(program.model(), inputs)
    lowering = Lowering(to_edge(quantised), target)
    lowered = lowering.lowered(lowering.in_order([mend] if mend else []))
    due = [tuple(one.shape) for one in outputs_of(quantised, inputs)]
    said = [one for one in verdicts(lowered, target, due) if one.severity is not Severity.FLOAT]
    wanted = expected_of(lowered, inputs, target.instruction_set)
    found = tried(command, written(lowered).content, inputs, wanted, timeout)
    expected = said[0].severity if said else None
    guards = ", ".join(f"{one.guard} {one.severity.value}" for one in said) or "pass"
    return found.outcome, guards, "yes" if found.fault is expected else "no"


if __name__ == "__main__":
    cortex_m_guards()
