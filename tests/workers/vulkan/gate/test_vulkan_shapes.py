"""Programs that ExecuTorch lowers and its runtime does not take, by its source: each beside its nearest neighbour that
works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from executorch.backends.vulkan.patterns.rope import RotaryEmbeddingPattern
from support.vulkan_nets import everywhere
from torch import nn

from search_space.recipe.recipe import Recipe
from workers.checking.allowance import Allowance
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL, Verdict, verdict
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.target import VulkanTarget

Case = tuple[Callable[..., Any], list[nn.Module], list[torch.Tensor]]
"""A function of layers and inputs, the layers, and the inputs."""


class Side(nn.Module):
    """Functions side by side, each with inputs of its own, so that a second lowers them all."""

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__()
        self.of, self.counts = [of for of, _, _ in cases], [len(inputs) for _, _, inputs in cases]
        self.layers = nn.ModuleList([nn.ModuleList(layers) for _, layers, _ in cases])

    def forward(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        left = list(inputs)
        outputs: list[torch.Tensor] = []
        for of, layers, count in zip(self.of, self.layers, self.counts, strict=True):
            given = of(*layers, *left[:count])
            outputs += given if isinstance(given, tuple) else (given,)
            del left[:count]
        return outputs


def exported(*cases: Case) -> ExportedModel:
    """A program with these functions."""
    torch.manual_seed(1)
    inputs = tuple(one for _, _, those in cases for one in those)
    return export(SourceModel(Side(cases).eval(), inputs, [inputs], "net"))


def judged(*cases: Case, int8_layers: int = 0) -> Verdict:
    """Of a program with these functions, the first layers of which are static int8."""
    model, settings = exported(*cases), Settings(schemes=everywhere(Scheme.STATIC8, int8_layers))
    return verdict(graphs_of(lower(model, VulkanTarget(), settings, model.calibration_inputs)))


def first(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net(x)


def after_relu(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net(x.relu())


def image(*shape: int) -> torch.Tensor:
    return torch.ones(*shape)


INTEGERS = torch.arange(8).reshape(2, 4)
INDEX = torch.zeros(3, dtype=torch.int64)

REFUSED: dict[str, list[Case]] = {
    "layer-norm": [
        (first, [nn.LayerNorm(16, elementwise_affine=False)], [image(1, 8, 16)]),
        (first, [nn.LayerNorm(16, bias=False)], [image(1, 8, 16)]),
        (first, [nn.LayerNorm((8, 16))], [image(1, 8, 16)]),
    ],
    "batch-norm": [
        (after_relu, [nn.BatchNorm1d(16)], [image(2, 16, 8)]),
        (after_relu, [nn.BatchNorm2d(16, affine=False)], [image(1, 16, 4, 4)]),
    ],
    "group-norm": [
        (first, [nn.GroupNorm(4, 16)], [image(1, 16, 8)]),
        (first, [nn.GroupNorm(4, 16, affine=False)], [image(1, 16, 4, 4)]),
    ],
    "reduced-batches": [
        (lambda x: x.softmax(1), [], [image(2, 8, 4, 4)]),
        (lambda x: x.softmax(0), [], [image(1, 8, 4, 4)]),
        (lambda x: x.mean(1, keepdim=True), [], [image(2, 8, 4, 4)]),
        (lambda x: x.sum(0, keepdim=True), [], [image(2, 8, 4, 4)]),
    ],
    "reduced-dimensions": [
        (lambda x: x.amax(keepdim=True), [], [image(2, 8)]),
    ],
    "reduced-arguments": [
        (lambda x: x.argmax(-1, keepdim=True), [], [image(2, 8)]),
        (lambda x: x.argmin(1, keepdim=True), [], [image(1, 8, 4, 4)]),
    ],
    "convolution-groups": [
        (first, [nn.Conv2d(16, 16, 1, groups=4)], [image(1, 16, 8, 8)]),
        (first, [nn.Conv2d(4, 4, 3, groups=2)], [image(1, 4, 8, 8)]),
        (first, [nn.Conv2d(16, 32, 3, groups=16)], [image(1, 16, 8, 8)]),
        (first, [nn.ConvTranspose2d(16, 16, 2, 2, groups=4)], [image(1, 16, 8, 8)]),
        (first, [nn.Conv1d(16, 16, 1, groups=4)], [image(1, 16, 8)]),
    ],
    "transposed-dilation": [
        (first, [nn.ConvTranspose2d(16, 16, 3, dilation=2)], [image(1, 16, 8, 8)]),
    ],
    "pointwise-steps": [
        (first, [nn.Conv1d(16, 16, 1, stride=2)], [image(1, 16, 8)]),
        (first, [nn.Conv1d(16, 16, 1, padding=1)], [image(1, 16, 8)]),
    ],
    "constant-operands": [
        (lambda x, y: x @ y.T, [], [image(8, 16), image(12, 16)]),
        (lambda net, x: F.conv2d(x, net.weight.sigmoid()), [nn.Conv2d(4, 4, 3)], [image(1, 4, 8, 8)]),
    ],
    "pool-stride": [
        (lambda x: F.max_pool2d(x, 2), [], [image(1, 4, 8, 8)]),
        (lambda x: F.avg_pool2d(x, 2), [], [image(1, 4, 8, 8)]),
    ],
    "upsample-factor": [
        (lambda x: F.interpolate(x, scale_factor=1.5), [], [image(1, 4, 5, 5)]),
    ],
    "gather-dimensions": [
        (lambda x, at: x.gather(-1, at), [], [image(4, 8), torch.zeros(4, 3, dtype=torch.int64)]),
    ],
    "index-places": [
        (lambda x, at: x[:, at], [], [image(4, 8), INDEX]),
    ],
    "shader-variants": [
        (lambda x, at: x[at], [], [torch.arange(8), INDEX]),
        (lambda x, y: (x == y).float(), [], [INTEGERS, INTEGERS]),
        (lambda x: x.bool().float(), [], [image(2, 4)]),
    ],
}  # fmt: skip

#: Rules with rewrites that are exact.
MENDED = ("layer-norm", "batch-norm", "pool-stride", "gather-dimensions")

NEIGHBOURS: list[Case] = [
    (lambda x: x.softmax(-1), [], [image(1, 16, 9, 12)]),
    (lambda x: x.softmax(-1), [], [image(1, 8, 4, 12)]),
    (lambda x: x.log_softmax(-1), [], [image(1, 8, 12)]),
    (first, [nn.LayerNorm(16)], [image(1, 8, 16)]),
    (after_relu, [nn.BatchNorm2d(16)], [image(1, 16, 4, 4)]),
    (first, [nn.GroupNorm(4, 16)], [image(2, 16, 4, 4)]),
    (lambda x: x.softmax(1), [], [image(1, 8, 4, 4)]),
    (lambda x: x.mean((2, 3), keepdim=True), [], [image(2, 12, 4, 4)]),
    (lambda x: x.argmax(-1), [], [image(2, 8)]),
    (first, [nn.Conv2d(16, 32, 3, groups=4)], [image(1, 16, 8, 8)]),
    (first, [nn.Conv2d(6, 6, 3, groups=6)], [image(1, 6, 8, 8)]),
    (first, [nn.ConvTranspose2d(16, 12, 2, 2)], [image(1, 16, 8, 8)]),
    (first, [nn.Conv1d(16, 16, 3, groups=16)], [image(2, 16, 8)]),
    (first, [nn.Conv1d(16, 16, 1)], [image(2, 16, 8)]),
    (first, [nn.Conv1d(16, 16, 3, stride=2, padding=1)], [image(1, 16, 8)]),
    (lambda x, y: x @ y, [], [image(8, 16), image(16, 12)]),
    (lambda net, x: net.weight @ x, [nn.Linear(8, 12)], [image(8, 16)]),
    (first, [nn.MaxPool2d(2)], [image(1, 4, 8, 8)]),
    (lambda x: F.interpolate(x, scale_factor=2.0), [], [image(1, 4, 5, 5)]),
    (lambda x: F.interpolate(x, size=(7, 7)), [], [image(1, 4, 5, 5)]),
    (lambda x, at: x.gather(1, at), [], [image(4, 8), torch.zeros(4, 3, dtype=torch.int64)]),
    (lambda x, at: x[at], [], [image(4, 8), INDEX]),
    (lambda x, y: (x < y).float(), [], [INTEGERS, INTEGERS]),
    (lambda x: x**2 + x**-2, [], [image(2, 4)]),
    (lambda x, y: torch.div(x, y, rounding_mode="floor"), [], [image(2, 4), image(2, 4)]),
]  # fmt: skip


def test_what_the_runtime_does_not_take_is_refused_by_its_rule() -> None:
    found = Counter(one.rule.name for one in judged(*(case for cases in REFUSED.values() for case in cases)).refused)
    assert found == {rule: len(cases) for rule, cases in REFUSED.items()}


def test_what_a_search_without_options_begins_with_mends_pools_norms_and_gathers() -> None:
    cases = [case for rule, those in REFUSED.items() if rule in MENDED for case in those]
    model = exported(*cases)
    programs = VulkanPrograms(model, VulkanTarget(), model.calibration_inputs, Allowance())
    said = programs.described_default()[1]
    assert len(said) >= len(MENDED) and all("removes it" in line for line in said)
    mended = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert not programs.executed(programs.default, False, False, True).equal
    assert programs.executed(mended, False, False, False).equal
    assert programs.equal(mended, programs.default, whole=True).equal


def test_their_neighbours_are_not_known_to_fail() -> None:
    assert str(judged(*NEIGHBOURS)) == NOT_KNOWN_TO_FAIL


def shuffled(factor: int) -> Callable[..., torch.Tensor]:
    return lambda before, after, x: after(F.pixel_shuffle(before(x), factor))


INT8_REFUSED: dict[str, list[Case]] = {
    "convolution-batches": [
        (first, [nn.Conv2d(16, 16, 3)], [image(2, 16, 8, 8)]),
        (first, [nn.Conv2d(16, 16, 1)], [image(2, 16, 8, 8)]),
    ],
    "convolution-groups": [
        (first, [nn.Conv2d(8, 16, 3, groups=4)], [image(1, 8, 8, 8)]),
        (first, [nn.Conv2d(32, 8, 3, groups=8)], [image(1, 32, 8, 8)]),
    ],
    "pixel-shuffle-factor": [(shuffled(3), [nn.Conv2d(4, 36, 3), nn.Conv2d(4, 4, 3)], [image(1, 4, 8, 8)])],
    "int8-shapes": [
        (lambda a, b, x: a(x) + b(x[:, :, :1, :1]), [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)], [image(1, 4, 8, 8)]),
    ],
}

INT8_NEIGHBOURS: list[Case] = [
    (first, [nn.Conv2d(16, 16, 3)], [image(1, 16, 8, 8)]),
    (first, [nn.Conv2d(16, 16, 3, groups=4)], [image(1, 16, 8, 8)]),
    (first, [nn.Conv2d(16, 16, 3, groups=16)], [image(1, 16, 8, 8)]),
    (first, [nn.ConvTranspose2d(8, 16, 2, 2)], [image(1, 8, 8, 8)]),
    (shuffled(2), [nn.Conv2d(4, 16, 3), nn.Conv2d(4, 4, 3)], [image(1, 4, 8, 8)]),
    (lambda a, b, x: a(x) + b(x), [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)], [image(1, 4, 8, 8)]),
]


def test_static_int8_is_refused_by_shapes() -> None:
    cases = [case for those in INT8_REFUSED.values() for case in those]
    found = judged(*cases, int8_layers=sum(len(layers) for _, layers, _ in cases))
    assert Counter(one.rule.name for one in found.refused) == {rule: len(those) for rule, those in INT8_REFUSED.items()}


def test_static_int8_of_other_shapes_is_not_known_to_fail() -> None:
    layers = sum(len(layers) for _, layers, _ in INT8_NEIGHBOURS)
    assert str(judged(*INT8_NEIGHBOURS, int8_layers=layers)) == NOT_KNOWN_TO_FAIL


SUSPECT: dict[str, list[Case]] = {
    "texture-extents": [(torch.relu, [], [image(1, 1, 2, 8196)])],
    "partial-groups": [
        (lambda x: x.mean(1, keepdim=True), [], [image(1, 8, 20)]),
        (lambda x: x.softmax(-1), [], [image(1, 9, 12)]),
        (lambda x: x.log_softmax(-1), [], [image(1, 9, 12)]),
        (lambda x: x.softmax(-1), [], [image(1, 4, 9, 12)]),
        (lambda x: x.softmax(-1), [], [image(1, 9, 8, 12)]),
    ],
    "division-rounding": [
        (lambda x, y: torch.div(x, y, rounding_mode="trunc"), [], [image(2, 4), image(2, 4)]),
        (lambda x, y: x // y, [], [INTEGERS, INTEGERS + 1]),
    ],
    "negative-bases": [(lambda x, y: x**y, [], [image(2, 4), image(2, 4)]), (lambda x: x**-1, [], [image(2, 4)])],
}


def test_what_depends_on_the_device_or_on_values_is_suspect_and_not_said_to_be_fine() -> None:
    found = judged(*(case for cases in SUSPECT.values() for case in cases))
    assert Counter(one.rule.name for one in found.suspect) == {rule: len(cases) for rule, cases in SUSPECT.items()}
    assert not found.refused and str(found).startswith("suspect: ")


def test_a_rotary_embedding_turns_one_batch_and_widths_in_eights() -> None:
    def case(batches: int, width: int) -> Case:
        inputs = [image(batches, 6, heads, width) for heads in (4, 2)] + [image(6, width // 2) for _ in range(2)]
        return RotaryEmbeddingPattern().forward, [], inputs

    names = [one.rule.name for one in judged(case(2, 32), case(1, 12)).refused]
    assert names == ["rotary-shapes"] * 2
    assert not judged(case(1, 32)).refused
