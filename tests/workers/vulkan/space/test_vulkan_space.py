"""What a model's space has, and the text of its recipes."""

import pytest
from support.vulkan_nets import Convolutions, made, mlp, relu6_convolutions

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.vulkan.lowering.layers import LINEAR, Layer
from workers.vulkan.lowering.lowering import lower, model_layers
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.scheme import Scheme
from workers.vulkan.space.fitting import fitting
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.space.space import space_of
from workers.vulkan.target import VulkanTarget


def test_an_image_net_has_static_schemes_and_the_rewrites_that_fit_it() -> None:
    model = relu6_convolutions()
    space = space_of(model, VulkanTarget(), model.calibration_inputs)
    assert space.schemes[1] == (Scheme.STATIC8,)
    assert space.schemes[4] == (Scheme.W8, Scheme.STATIC8)
    assert space.rewrites == {
        "keep-mean-dims": 1,
        "quantise-behind-clamp": 3,
        "drop-relu6": 3,
        "fuse-linear-qcs8w": 1,
    }
    assert space.patterns == ("quantized_binary", "quantized_convolution", "quantized_linear")
    assert not space.operators
    starts = [str(one.recipe) for one in space.starting_points()]
    assert starts[:2] == ["default", "keep-mean-dims"]
    assert "scheme=static-int8 | keep-mean-dims,quantise-behind-clamp,drop-relu6" in starts


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
    ],
)
def test_a_scheme_fits_a_layer_or_says_why_not(
    scheme: Scheme, shape: tuple[int, ...], inputs: tuple[int, ...], reason: str
) -> None:
    said = fitting(Layer(1, "layer", LINEAR, shape, inputs), scheme)
    assert reason in said
    assert bool(reason) == bool(said)


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


def test_a_recipe_says_how_far_it_may_lead() -> None:
    assert VulkanRecipe.of(Recipe.parse("default")).recipe.exactness is Exactness.EXACT
    assert VulkanRecipe.of(Recipe.parse("keep-mean-dims")).recipe.exactness is Exactness.EXACT
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
