"""Estimated instructions of portable operators by element and of means: how they are read, and what was counted."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.portable.values import of_operands
from workers.cortex_m.cost.kernels import WHOLE_OPERATORS
from workers.cortex_m.cost.price import kernel_instructions, price
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.evidence.instruction_counts import counted_kernels
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import InstructionSet, Target

IMAGE = (1, 14, 10, 6)
#: Of attention: scores of one sequence, and of 16 windows with three heads.
ATTENTION, HEADS = (1, 1, 98, 98), (16, 3, 16, 16)

#: Instructions of operators under QEMU, of sizes that no row has: the call, then MVE and DSP.
COUNTED = [
    (KernelCall("mean_portable", dims=(1, 20, 37), perm=(2,)), 2_395, 4_081),
    (KernelCall("mean_portable", dims=(1, 20, 37), perm=(1,)), 14_403, 15_099),
    (KernelCall("mean_portable", dims=(1, 10, 9, 11), perm=(2, 3)), 47_195, 43_604),
    (KernelCall("mul_portable", dims=IMAGE, operands=(IMAGE, (1, 14, 1, 1)), dtype="float32"), 645_716, 639_943),
    (KernelCall("add_portable", dims=IMAGE, operands=(IMAGE, IMAGE), dtype="float32"), 290_683, 282_293),
    (KernelCall("where_portable", dims=(1, 11, 13), operands=((1, 11, 13), (1, 11, 13), (1,))), 119_768, 120_537),
    (KernelCall("comparison_portable", elements=777), 43_141, 42_365),
    (KernelCall("full_like_portable", elements=115, axes=3), 431, 429),
    (KernelCall("extreme_of_a_number", elements=126, axes=4), 513, 1_267),
    (KernelCall("where_portable", dims=ATTENTION, operands=((1, 1, 98, 1), ATTENTION, ATTENTION), dtype="float32"),
     10_009_861, 10_048_161),
    (KernelCall("mul_portable", dims=HEADS, operands=(HEADS, (1,)), dtype="float32"), 8_493_847, 8_420_854),
    (KernelCall("layer_norm_portable", n=98, c=64, axes=3, operands=((64,), (64,))), 81_723, 116_724),
    (KernelCall("layer_norm_portable", n=256, c=48, axes=4, operands=((48,), (48,))), 163_600, 229_407),
    (KernelCall("batch_norm_portable", c=64, w=256, axes=3), 29_078, 230_801),
    (KernelCall("softmax_portable", dims=ATTENTION, perm=(3,)), 1_012_487, 1_790_517),
    (KernelCall("softmax_portable", dims=HEADS, perm=(3,)), 1_318_427, 2_250_791),
    (KernelCall("bmm_portable", h=98, c=64, o=98), 3_181_375, 4_449_195),
    (KernelCall("bmm_portable", n=48, h=16, c=16, o=16), 1_429_958, 1_578_223),
    (KernelCall("expand_copy_portable", dims=HEADS, operands=(HEADS,)), 393_839, 388_514),
    (KernelCall("index_select_portable", n=16, o=16, axes=4, dims=(192,)), 34_546, 33_256),
    (KernelCall("logical_not_portable", elements=9604, axes=4), 38_746, 48_362),
    (KernelCall("any_portable", dims=HEADS, perm=(3,)), 412_947, 417_556),
    (KernelCall("clamp_min_portable", elements=16_384, axes=3), 901_566, 1_114_567),
    (KernelCall("relu_portable", elements=16_384, axes=3), 65_845, 131_383),
    (KernelCall("cat_portable", o=4, axes=3, dims=(4096,) * 4), 10_822, 10_302),
]  # fmt: skip


@pytest.mark.parametrize(("call", "mve", "dsp"), COUNTED, ids=[f"{one[0].kernel}-{one[0].perm}" for one in COUNTED])
def test_sizes_that_no_row_has_are_predicted(call: KernelCall, mve: int, dsp: int) -> None:
    assert call.kernel in WHOLE_OPERATORS
    assert call not in [one for cpu in ("cortex-m55", "cortex-m4") for one, _ in counted_kernels(cpu)]
    for instruction_set, counted in ((InstructionSet.MVE, mve), (InstructionSet.DSP, dsp)):
        assert kernel_instructions(call, instruction_set) == pytest.approx(counted, rel=0.05)


class Gated(nn.Module):
    """Values below a number are cut off, and channels weighed by their means."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.gate = nn.Conv1d(3, 8, 3, padding=1), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        y = torch.where(y > 0.1, y, torch.zeros_like(y))
        return y * torch.sigmoid(self.gate(y.mean(-1))).unsqueeze(-1)


def test_a_gated_net_has_no_uncosted_operator() -> None:
    inputs = (torch.linspace(-1, 1, 60).reshape(1, 3, 20),)
    program = Lowering(to_edge(quantise(Gated().eval(), inputs)), Target.parse("cortex-m4")).lowered(())
    calls = operator_calls(program)
    assert not price(calls, Target.parse("cortex-m4")).uncosted
    whole, channels = (1, 8, 20), (1, 8, 1)
    own = [one.call for one in calls if one.operator in ("mean", "mul", "gt", "where", "full_like")]
    assert own == [
        KernelCall("comparison_portable", elements=160),
        KernelCall("full_like_portable", elements=160, axes=3),
        KernelCall("where_portable", dims=whole, operands=(whole, whole, whole)),
        KernelCall("mean_portable", dims=whole, perm=(2,)),
        KernelCall("mul_portable", dims=whole, operands=(whole, channels), dtype="float32"),
    ]


class Attentive(nn.Module):
    """A block of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(8), nn.Linear(8, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.layer(self.norm(x)).chunk(3, -1)
        return x + nn.functional.scaled_dot_product_attention(q, k, v)


def test_a_block_of_a_transformer_has_no_uncosted_operator() -> None:
    inputs = (torch.linspace(-1, 1, 96).reshape(1, 12, 8),)
    program = Lowering(to_edge(quantise(Attentive().eval(), inputs)), Target.parse("cortex-m55")).lowered(())
    calls = operator_calls(program)
    assert not price(calls, Target.parse("cortex-m55")).uncosted
    own = [one.call for one in calls if one.operator in ("native_layer_norm", "_softmax")]
    assert own == [
        KernelCall("layer_norm_portable", n=12, c=8, axes=3, operands=((8,), (8,))),
        KernelCall("softmax_portable", dims=(1, 12, 12), perm=(2,)),
    ]


class Doubtful(nn.Module):
    """Operators of dtypes and layouts that nobody counted."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        images = x.to(memory_format=torch.channels_last)
        integers = x.to(torch.int32)
        return images.mean((2, 3)), integers * integers, integers > 2, torch.div(x, 3.0, rounding_mode="floor"), x > -x


def test_what_was_not_counted_is_not_priced() -> None:
    program = to_edge(torch.export.export(Doubtful().eval(), (torch.ones(1, 2, 3, 4),)))
    found = {one.operator: one.call for one in operator_calls(program)}
    assert {name: found[name] for name in ("mean", "mul", "gt", "div")} == dict.fromkeys(("mean", "mul", "gt", "div"))


def test_shapes_are_compared_up_to_the_first_one_that_differs() -> None:
    def looked_at(*operands: tuple[int, ...]) -> tuple[float, float]:
        call = KernelCall("mul_portable", dims=(1, 2, 3), operands=operands)
        counts = of_operands(call, InstructionSet.DSP)
        kind = "same" if "same_compared" in counts else "broadcast"
        return counts[f"{kind}_scanned"] / 6, counts[f"{kind}_compared"] / 6

    assert looked_at((1, 2, 3), (2, 3)) == (2 + 1, 2 + 2)
    assert looked_at((1, 1, 3), (1, 2, 3)) == (2 + 1, 0)  # a single axis is left, beside two
    assert looked_at((1, 2, 3), (1, 2, 1)) == (2 + 2, 2 + 2)


@pytest.mark.parametrize("instruction_set", InstructionSet)
def test_more_values_never_cost_less(instruction_set: InstructionSet) -> None:
    for axes in ((1,), (2,), (1, 2)):
        costs = [
            kernel_instructions(KernelCall("mean_portable", dims=(1, size, size), perm=axes), instruction_set) or 0.0
            for size in (1, 2, 4, 8, 16, 64)
        ]
        assert all(0 < less < more for less, more in pairwise(costs)), axes


class Sentences(nn.Module):
    """Norms of several kinds, a table of words, and what people compute of them."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.groups = nn.Embedding(11, 6), nn.GroupNorm(2, 4)
        self.own, self.plain = nn.InstanceNorm1d(4, affine=True), nn.GroupNorm(1, 4, affine=False)

    def forward(self, words: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.plain(self.own(self.groups(x)))
        table = self.words(words)
        best = torch.log_softmax(y, 1).argmax(-1)
        products = torch.log1p(y.abs()) @ y[0].transpose(0, 1)
        return best, y.var(2), products, table.repeat(1, 2, 3), x[:, torch.tensor([2, 0])]


def test_norms_tables_and_repetitions_are_read() -> None:
    inputs = (torch.tensor([[1, 2, 10]]), torch.linspace(-1, 1, 28).reshape(1, 4, 7))
    edge = to_edge(torch.export.export(Sentences().eval(), inputs))
    calls = {one.operator: one.call for one in operator_calls(edge)}
    whole = (1, 4, 7)
    for operator, call in {
        "native_group_norm": KernelCall("group_norm_portable", c=4, w=7, groups=1, axes=3),
        "_log_softmax": KernelCall("log_softmax_portable", dims=whole, perm=(1,)),
        "argmax": KernelCall("argmax_portable", dims=whole, perm=(2,)),
        "var": KernelCall("var_portable", dims=whole, perm=(2,)),
        "log1p": KernelCall("log1p_portable", elements=28, axes=3),
        "index": KernelCall("index_portable", o=2, axes=3, dims=(28,)),
        "embedding": KernelCall("embedding_portable", o=3, axes=2, dims=(24,)),
        "repeat": KernelCall("repeat_portable", dims=(1, 3, 6), operands=((1, 6, 18),), dtype="float32"),
    }.items():
        assert calls[operator] == call
    assert not [one.operator for one in price(operator_calls(edge), Target.parse("cortex-m55")).uncosted]
