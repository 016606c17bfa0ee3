"""Every rewrite on its minimal program: where its sites are, and that the outputs stay equal bit for bit."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.cortex_m import edge, inputs_of, lowered, quantised
from torch import nn
from torch.export import ExportedProgram

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances
from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.unused_constants import without_unused_constants
from workers.cortex_m.lowering.write import written
from workers.cortex_m.passes.base import Rewrite
from workers.cortex_m.passes.lowered.pad_apart import PadApart
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight
from workers.cortex_m.target import Target

#: ExecuTorch's passes that change the cost alone.
COST_ONLY = (
    "CortexMCanonicalizeViewCopyPermutePass",
    "RemovePermutesAroundElementwiseOps",
    "ReplaceSqueezeAndUnsqueezeWithViewPass",
)

M55, M4 = Target.parse("cortex-m55"), Target.parse("cortex-m4")


def taken(text: str) -> list[Rewrite]:
    """Rewrites as a recipe writes them."""
    return [one for one in Recipe.parse(text).passes if isinstance(one, Rewrite)]


def rewrites() -> list[Rewrite]:
    """All of them."""
    return list(pass_instances(Rewrite))


def rewritten(lowering: Lowering, taken: Sequence[Rewrite]) -> ExportedProgram:
    """The program lowered by rewrites, wherever they have sites."""
    return lowering.lowered(lowering.in_order(taken))


def operators(program: ExportedProgram) -> list[str]:
    return [one.operator for one in operator_calls(program)]


def same_outputs(program: ExportedProgram, name: str, cpu: str) -> bool:
    """Whether a program computes what the model lowered without rewrites does."""
    return same_bits(outputs_of(program, inputs_of(name)), outputs_of(lowered(name, cpu), inputs_of(name))).equal


@pytest.mark.parametrize(
    ("name", "recipe", "explicit_layout", "removed"),
    [
        ("dropout", "drop-clones", True, {"_clone_dim_order": 1, "transpose": 2}),
        ("there-and-back", "fold-clones", False, {"_clone_dim_order": 2}),
        ("halves", "sink-splits,sink-elementwise", True, {"transpose": 2}),
        ("branching-silu", "sink-elementwise", True, {}),
        ("sigmoid", "sink-elementwise", True, {"transpose": 2}),
        ("tanh-of-rows", "sink-elementwise", True, {"transpose": 2}),
        ("pad", "pad-into-convolution", True, {"pad": 1}),
        ("linear", "linear-to-convolution", True, {"quantized_linear": 2}),
        ("one-channel", "depthwise-to-convolution", True, {"quantized_depthwise_conv2d_nhwc": 1}),
        ("pool", "drop-empty-pads", True, {"pad": 1}),
    ],
)
def test_a_rewrite_removes_what_it_is_for(
    name: str, recipe: str, explicit_layout: bool, removed: dict[str, int]
) -> None:
    for target in (M55, M4) if name == "linear" else (M4,):
        lowering = Lowering(edge(name, explicit_layout), target, explicit_layout=explicit_layout)
        rewrites_there = lowering.in_order(taken(recipe))
        assert ",".join(map(str, rewrites_there)) == recipe
        before, after = lowering.lowered(()), lowering.lowered(rewrites_there)
        assert same_bits(outputs_of(after, inputs_of(name)), outputs_of(before, inputs_of(name))).equal
        gone = {one: operators(before).count(one) - operators(after).count(one) for one in removed}
        assert gone == removed


def test_a_rewrite_works_at_the_sites_it_names() -> None:
    lowering = Lowering(edge("linear"), M4)
    everywhere, at_second = (lowering.in_order(taken(f"linear-to-convolution{at}")) for at in ("", "@2"))
    whole, second = lowering.lowered(everywhere), lowering.lowered(at_second)
    assert [len(lowering.sites((), one)) for one in (*everywhere, *at_second)] == [2, 2]
    assert operators(whole).count("quantized_conv2d_nhwc") == 2
    assert [one for one in operators(second) if "quantize_" not in one] == ["quantized_linear", "quantized_conv2d_nhwc"]
    assert lowering.in_order(taken("linear-to-convolution@7")) == ()


@pytest.mark.parametrize("mend", [RowAlongHeight(), PadApart()], ids=str)
def test_a_row_that_the_kernel_refuses_is_mended(mend: Rewrite) -> None:
    shapes = [tuple(one.shape) for one in outputs_of(quantised("trap"), inputs_of("trap"))]
    assert [one.guard for one in verdicts(lowered("trap"), M55, shapes)] == ["row-convolution"]
    program = rewritten(Lowering(edge("trap"), M55), [mend])
    assert verdicts(program, M55, shapes) == ()
    assert same_bits(outputs_of(program, inputs_of("trap")), outputs_of(lowered("trap"), inputs_of("trap"))).equal


@settings(max_examples=4)
@given(data=st.data())
def test_rows_are_convolved_to_the_same_bits(data: st.DataObject) -> None:
    stride, kernel = data.draw(st.sampled_from([(1, 3), (2, 4), (2, 3), (3, 6), (1, 1), (4, 4)]), "stride, kernel")
    channels, outs = data.draw(st.sampled_from([1, 2, 3, 5, 8]), "channels"), data.draw(st.integers(1, 9), "outs")
    padding = data.draw(st.integers(0, kernel // 2), "padding")
    dilation = data.draw(st.integers(1, 3), "dilation")
    width = data.draw(st.integers((kernel - 1) * dilation + 1, 24), "width")
    torch.manual_seed(data.draw(st.integers(0, 99), "seed"))
    bias = data.draw(st.booleans(), "bias")
    model = nn.Conv1d(channels, outs, kernel, stride, padding, dilation, bias=bias).eval()
    rows = (torch.randn(1, channels, width),)
    base = to_edge(quantise(model, rows))
    extreme = (torch.where(rows[0] > 0, 1e3, -1e3),)
    lowering = Lowering(base, M55)
    wanted = [outputs_of(lowering.lowered(()), one) for one in (rows, extreme)]
    for recipe in (
        "row-along-height", "pad-apart", "depthwise-to-convolution,stride-to-channels",
        "depthwise-to-convolution,pad-apart,stride-to-channels,channels-to-four,row-along-height",
    ):  # fmt: skip
        effective = lowering.in_order(taken(recipe))
        program = lowering.lowered(effective)
        if effective:
            assert all(
                same_bits(outputs_of(program, one), two).equal for one, two in zip((rows, extreme), wanted, strict=True)
            ), recipe
            assert not price(operator_calls(program), M55).uncosted


def test_strides_become_channels() -> None:
    lowering = Lowering(edge("stem"), M4)
    both = lowering.in_order(taken("depthwise-to-convolution,stride-to-channels"))
    assert len(both) == 2
    program = lowering.lowered(both)
    (call,) = (one.call for one in operator_calls(program) if one.operator == "quantized_conv2d_nhwc")
    assert call is not None
    assert (call.w, call.c, call.kw, call.sw, call.pw) == (25, 2, 6, 1, 0)
    assert same_bits(
        outputs_of(program, inputs_of("stem")), outputs_of(lowered("stem", "cortex-m4"), inputs_of("stem"))
    ).equal


@settings(max_examples=4)
@given(data=st.data())
def test_images_strided_along_the_width_are_convolved_to_the_same_bits(data: st.DataObject) -> None:
    stride, width, padding = data.draw(
        st.sampled_from([((2, 2), 10, 1), ((1, 2), 8, 0), ((3, 4), 10, 1), ((2, 3), 7, 1)]), "stride, width, padding"
    )
    kernel = data.draw(st.integers(1, 2), "kernel height"), stride[1] * data.draw(st.integers(1, 2), "groups")
    above, dilation = data.draw(st.integers(0, 1), "padding above"), data.draw(st.integers(1, 2), "dilation")
    channels, height = data.draw(st.integers(1, 3), "channels"), data.draw(st.integers(3, 9), "height")
    torch.manual_seed(data.draw(st.integers(0, 99), "seed"))
    model = nn.Conv2d(channels, 3, kernel, stride, (above, padding), (dilation, 1)).eval()
    images = (torch.randn(2, channels, height, width),)
    base = to_edge(quantise(model, images))
    for target in (M55, M4):
        lowering = Lowering(base, target)
        effective = lowering.in_order(taken("depthwise-to-convolution,stride-to-channels"))
        assert [one.name for one in effective][-1:] == ["stride-to-channels"]
        program = lowering.lowered(effective)
        for one in (images, (torch.where(images[0] > 0, 1e3, -1e3),)):
            assert same_bits(outputs_of(program, one), outputs_of(lowering.lowered(()), one)).equal
        assert not price(operator_calls(program), target).uncosted


def test_a_file_without_dead_weights_is_smaller_and_computes_the_same() -> None:
    program = lowered("branches")
    smaller = without_unused_constants(program)
    assert len(written(smaller).content) < len(written(program).content)
    assert same_bits(outputs_of(smaller, inputs_of("branches")), outputs_of(program, inputs_of("branches"))).equal
    assert without_unused_constants(smaller).graph_signature == smaller.graph_signature


def test_passes_that_only_cost_may_be_left_out() -> None:
    for one in COST_ONLY:
        program = Lowering(edge("stem"), M55, without=[one]).lowered(())
        assert same_bits(outputs_of(program, inputs_of("stem")), outputs_of(lowered("stem"), inputs_of("stem"))).equal


def test_every_rewrite_says_its_law() -> None:
    assert len(rewrites()) > 10
    for one in rewrites():
        assert one.law and "\n" not in one.law
        assert one.exactness is Exactness.EXACT
    assert [str(one) for one in taken("row-along-height@1+3")] == ["row-along-height@1+3"]


def test_no_operator_of_the_edge_is_left_behind() -> None:
    program = rewritten(Lowering(edge("halves"), M4), rewrites())
    assert not [node.name for node in program.graph.nodes if "quantized_decomposed" in str(node.target)]
    assert same_bits(
        outputs_of(program, inputs_of("halves")), outputs_of(lowered("halves", "cortex-m4"), inputs_of("halves"))
    ).equal


def test_the_same_rewrite_twice_at_other_sites_keeps_both_of_its_constants() -> None:
    # After the first one the layer that was second is named as the first one was.
    lowering = Lowering(edge("linear"), M55)
    program = rewritten(lowering, taken("linear-to-convolution@1,linear-to-convolution"))
    assert operators(program).count("quantized_conv2d_nhwc") == 2
    assert same_outputs(program, "linear", "cortex-m55")
