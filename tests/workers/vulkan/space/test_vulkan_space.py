"""What a model's space has, and the text of its recipes."""

from functools import cache

import pytest
import torch
from support.vulkan_nets import (
    Convolutions,
    One,
    attention_programs,
    exported,
    made,
    mlp,
    programs_of,
    relu6_convolutions,
)
from torch import nn

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.errors import ModelError
from workers.vulkan.check.layer_quality import LayerQuality
from workers.vulkan.gate.verdict import verdict_of
from workers.vulkan.lowering.lowered import host_digest
from workers.vulkan.lowering.lowering import lower, model_layers
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.layers import LINEAR, Layer
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.space.fitting import fitting
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.target import VulkanTarget


@cache
def mlp_programs() -> VulkanPrograms:
    return programs_of(mlp())


def test_an_image_net_has_static_schemes_and_the_rewrites_that_fit_it() -> None:
    model = relu6_convolutions()
    space = programs_of(model).space
    assert space.schemes[1] == (Scheme.STATIC8,)
    assert space.schemes[4] == (Scheme.W8, Scheme.STATIC8)
    assert space.rewrites == {
        "keep-reduced-dims": 1,
        "quantise-behind-clamp": 3,
        "drop-relu6": 3,
        "fuse-linear-qcs8w": 1,
    }
    assert space.patterns == {"quantized_binary": 1, "quantized_convolution": 3, "quantized_linear": 1}
    assert not space.operators
    assert [str(one.recipe) for one in space.starting_points()] == [
        "keep-reduced-dims",
        "keep-reduced-dims,quantise-behind-clamp,drop-relu6,fuse-linear-qcs8w",
    ]
    assert "leave-unfused{pattern=quantized_binary}" in map(str, space.passes())


def test_an_operator_that_the_runtime_lacks_can_stay_on_the_cpu() -> None:
    programs = attention_programs()
    assert programs.space.operators == {"aten.logical_not.default": 2}
    assert {"spell-attention", "half=yes | spell-attention"} < {*programs.starting_points()}
    assert "keep-on-cpu{operator=aten.logical_not.default}@1" in map(str, programs.passes())
    kept = programs.built(Recipe.parse("keep-on-cpu{operator=aten.logical_not.default}"))
    assert not programs.executed(programs.default, False, False, True).equal
    assert programs.executed(kept, False, False, False).equal
    assert "aten.logical_not.default" in [one.operator for one in programs.lowered(kept).host_operators]


def test_what_is_proposed_includes_mixed_schemes_only_for_a_limit() -> None:
    model = mlp()
    assert not any("@" in one for one in mlp_programs().open_choices()["scheme"])
    alone = LayerQuality(model, model.calibration_inputs)
    worst, best = (alone.of(2, scheme) for scheme in (Scheme.W4G32, Scheme.W8))
    limited = programs_of(model, (worst + best) / 2)
    limited._space = mlp_programs().space  # found out already
    mixed = [one for one in limited.open_choices()["scheme"] if "@" in one]
    assert mixed
    for one in mixed:
        limited.chosen((("scheme", one),))


def test_a_program_that_hands_integers_to_an_operator_for_floats_is_refused_and_ends_no_search() -> None:
    programs = mlp_programs()
    program = programs.chosen((("scheme", "static-int8@1/w8@2"),))
    assert programs.quality(program).sqnr_db == -200
    assert "given integers" in programs.equal(program, programs.default, False).reason
    assert "refused: et_vk.linear_q8ta_q8csw" in programs.executed(program, False, False, False).reason


def test_a_pass_that_has_nothing_to_work_on_gives_the_same_program() -> None:
    programs = mlp_programs()
    for text in ("fuse-linear-qcs8w", "leave-unfused{pattern=rms_norm}", "keep-on-cpu{operator=aten.cat.default}"):
        (one,) = Recipe.parse(text).passes
        assert programs.passed(programs.default, one) is programs.default


def test_what_stands_on_the_cpu_is_part_of_what_a_program_is() -> None:
    """Two programs with the same delegates and another operator between them."""

    class Scaled(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.scale = scale

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) * self.scale

    hashes = []
    for scale in (2.0, 3.0, 2.0):
        programs = programs_of(exported(Scaled(scale), 2, 8))
        hashes.append(programs.program_hash(programs.default))
    assert hashes[0] == hashes[2] != hashes[1]


def test_where_an_operator_on_the_cpu_takes_its_operands_is_part_of_what_a_program_is() -> None:
    """Both join the same two values, one of them twice. Booleans are joined on the CPU."""

    class Joined(nn.Module):
        def __init__(self, places: tuple[int, int, int]) -> None:
            super().__init__()
            self.places = places

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            values = x > 0, x > 1
            return torch.cat([values[place] for place in self.places])

    hashes = set()
    for places in ((0, 0, 1), (0, 1, 1)):
        programs = programs_of(exported(Joined(places), 2, 8))
        stock = programs.lowered(programs.default)
        hashes.add(host_digest(stock))
        assert [one.operator for one in stock.host_operators] == ["aten.cat.default"]
    assert len(hashes) == 2


def test_a_pass_that_does_not_say_what_it_is_for_is_refused() -> None:
    for text, said in (("leave-unfused", "names no pattern"), ("keep-on-cpu@2", "names no operator")):
        with pytest.raises(SpaceError, match=said):
            VulkanRecipe.of(Recipe.parse(text))


def test_the_last_of_two_passes_that_say_the_same_holds() -> None:
    text = "leave-unfused{pattern=rms_norm}@1,drop-relu6@2,leave-unfused{pattern=rms_norm}@3,drop-relu6"
    found = VulkanRecipe.of(Recipe.parse(text))
    assert str(found.recipe) == "drop-relu6,leave-unfused{pattern=rms_norm}@3"
    assert found.settings(()).unfused == {"rms_norm": frozenset({3})}


@pytest.mark.parametrize(
    ("scheme", "shape", "inputs", "reason"),
    [
        (Scheme.W4, (24, 64), (16, 64), ""),
        (Scheme.W4, (20, 64), (16, 64), "linear_qcs4w computes wrongly"),
        (Scheme.W4, (24, 64), (1, 64), "linear_qcs4w has no shader"),
        (Scheme.W8, (20, 64), (1, 64), ""),
        (Scheme.W8, (20, 66), (1, 66), "ExecuTorch does not fuse"),
        (Scheme.W4G64, (24, 64), (1, 4, 64), ""),
        (Scheme.W4G64, (24, 96), (4, 96), "groups of 64 do not divide"),
        (Scheme.W4G64, (10, 64), (4, 64), "does not lower in groups"),
        (Scheme.A8W4G64, (24, 64), (2, 4, 64), "has 2 batches"),
        (Scheme.STATIC8, (24, 64), (2, 4, 64), "has 2 batches"),
        (Scheme.A8W4G64, (24, 64), (64,), "reads a vector"),
        (Scheme.W4G64, (24, 64), (64,), ""),
    ],
)
def test_a_scheme_fits_a_layer_or_says_why_not(
    scheme: Scheme, shape: tuple[int, ...], inputs: tuple[int, ...], reason: str
) -> None:
    said = fitting(Layer(1, "layer", LINEAR, shape, inputs), scheme)
    assert reason in said
    assert bool(reason) == bool(said)


@pytest.mark.parametrize(
    ("layer", "shape", "reason"),
    [
        (nn.Conv2d(3, 5, 3), (1, 3, 8, 8), ""),
        (nn.Conv2d(8, 8, 3, groups=8), (1, 8, 8, 8), ""),
        (nn.Conv2d(6, 6, 3, groups=6), (1, 6, 8, 8), "is depthwise with 6 channels"),
        (nn.Conv2d(6, 12, 3, groups=6), (1, 6, 8, 8), "has 1 input channels in a group"),
        (nn.Conv2d(8, 6, 3, groups=2), (1, 8, 8, 8), "has 3 output channels in a group"),
        (nn.Conv2d(6, 8, 3, groups=2), (1, 6, 8, 8), "has 3 input channels in a group"),
        (nn.Conv2d(8, 8, 3, groups=2), (1, 8, 8, 8), ""),
        (nn.Conv2d(4, 4, 3), (4, 8, 8), "without a batch"),
        (nn.Conv2d(4, 4, 3), (2, 4, 8, 8), "reads 2 images"),
        (nn.ConvTranspose2d(3, 5, 3), (1, 3, 8, 8), ""),
    ],
)
def test_an_int8_convolution_fits_where_executorch_fuses_it(
    layer: nn.Module, shape: tuple[int, ...], reason: str
) -> None:
    model = made(lambda: layer, *shape)
    (described,) = model_layers(model)
    said = fitting(described, Scheme.STATIC8)
    assert reason in said and bool(reason) == bool(said)
    try:
        program = lower(model, VulkanTarget(), Settings(schemes={1: Scheme.STATIC8}), model.calibration_inputs)
    except ModelError:
        loads = False
    else:
        loads = not verdict_of(program).refused
    assert loads == (not reason)


def test_schemes_for_linear_layers_fit_no_convolution() -> None:
    layer = Layer(1, "conv", "conv1d", (8, 8, 3), (1, 8, 16))
    assert {scheme for scheme in Scheme if not fitting(layer, scheme)} == {Scheme.FP}


def test_a_recipe_has_one_form() -> None:
    text = "half=yes,scheme=w4-g32@1+2/w8 | spell-attention,drop-relu6@3"
    recipe = VulkanRecipe.of(Recipe.parse("scheme=w8/w4-g32@2+1,half=yes|drop-relu6@3,spell-attention"))
    assert str(recipe.recipe) == text
    assert VulkanRecipe.of(Recipe.parse(text)) == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("precision=int4", "precision is no choice for Vulkan"),
        ("fuse-transposes", "fuse-transposes is no pass for Vulkan"),
    ],
)
def test_elements_of_another_family_are_refused(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        VulkanRecipe.of(Recipe.parse(text))


def test_a_scheme_without_numbers_is_for_the_layers_that_it_fits() -> None:
    layers = model_layers(made(Convolutions, 1, 3, 16, 16))
    assert VulkanRecipe.of(Recipe.parse("scheme=w8")).scheme_by_layer(layers) == {4: Scheme.W8}
    assert VulkanRecipe.of(Recipe.parse("scheme=w8/static-int8@1")).scheme_by_layer(layers) == {
        1: Scheme.STATIC8,
        4: Scheme.W8,
    }
    with pytest.raises(SpaceError, match=r"w8@1: stem\.0 is a conv2d"):
        VulkanRecipe.of(Recipe.parse("scheme=w8@1")).scheme_by_layer(layers)
    with pytest.raises(SpaceError, match="the model has 4 layers"):
        VulkanRecipe.of(Recipe.parse("scheme=w8@5")).scheme_by_layer(layers)


@pytest.mark.parametrize(
    ("rows", "columns", "why"),
    [
        (1, 24, "computes one row, for which linear_qcs4w has no shader"),
        (16, 28, "has 28 output channels, no multiple of 8, which linear_qcs4w computes wrongly"),
    ],
)
def test_a_scheme_that_fits_no_layer_says_why(rows: int, columns: int, why: str) -> None:
    layers = model_layers(made(lambda: One(64, columns), rows, 64))
    with pytest.raises(SpaceError, match=f"scheme=w4 fits no layer of the model; linear {why}"):
        VulkanRecipe.of(Recipe.parse("scheme=w4 | fuse-linear-qcs4w")).scheme_by_layer(layers)
    assert VulkanRecipe.of(Recipe.parse("scheme=w8")).scheme_by_layer(layers) == {1: Scheme.W8}


def test_a_recipe_says_how_far_it_may_lead() -> None:
    assert VulkanRecipe.of(Recipe.parse("default")).recipe.exactness is Exactness.EXACT
    assert VulkanRecipe.of(Recipe.parse("keep-reduced-dims")).recipe.exactness is Exactness.EXACT
    assert VulkanRecipe.of(Recipe.parse("spell-attention")).recipe.exactness is Exactness.REQUANTISING
    assert VulkanRecipe.of(Recipe.parse("half=yes")).recipe.exactness is Exactness.PRECISION


def test_a_recipe_becomes_settings_that_lower() -> None:
    model = mlp()
    recipe = VulkanRecipe.of(Recipe.parse("scheme=w8@2 | fuse-linear-qcs8w"))
    settings = recipe.settings(model_layers(model))
    assert VulkanRecipe().settings(model_layers(model)) == Settings()
    program = lower(model, VulkanTarget(), settings, model.calibration_inputs)
    names = [call.name for call in program.delegates[0].graph.chain]
    assert names.count("aten._weight_int8pack_mm.default") == 1
