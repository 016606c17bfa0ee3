"""What a model's space has, and the text of its recipes."""

import pytest
from support.vulkan_nets import Convolutions, made, mlp, relu6_convolutions

from search_space.errors import SpaceError
from search_space.exactness import Exactness
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
    starts = [str(one) for one in space.starting_points()]
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


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("default", "default"),
        ("half = yes", "half=yes"),
        ("spell-attention", "spell-attention"),
        (
            "unfused=rms_norm+hf_rope,scheme=w8/w4-g32@2+1,half=yes|drop-relu6@3,spell-attention",
            "half=yes,scheme=w4-g32@1+2/w8,unfused=hf_rope+rms_norm | spell-attention,drop-relu6@3",
        ),
        ("on-cpu=aten.logical_not.default", "on-cpu=aten.logical_not.default"),
    ],
)
def test_a_recipe_has_one_form(text: str, written: str) -> None:
    recipe = VulkanRecipe.parse(text)
    assert str(recipe) == written
    assert VulkanRecipe.parse(written) == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty recipe"),
        ("half=maybe", "half is yes or no"),
        ("scheme=w9", "there is no scheme 'w9'"),
        ("precision=int4", "there are half, scheme, unfused and on-cpu"),
        ("half=yes,half=no", "takes the choice half twice"),
        ("fuse-everything", "there is no rewrite 'fuse-everything'"),
    ],
)
def test_a_bad_recipe_says_what_there_is(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        VulkanRecipe.parse(text)


def test_a_scheme_without_numbers_is_for_the_layers_that_it_fits() -> None:
    layers = model_layers(made(Convolutions, 1, 3, 16, 16))
    assert VulkanRecipe.parse("scheme=w8").scheme_by_layer(layers) == {4: Scheme.W8}
    assert VulkanRecipe.parse("scheme=w8/static-int8@1").scheme_by_layer(layers) == {1: Scheme.STATIC8, 4: Scheme.W8}
    with pytest.raises(SpaceError, match=r"w8@1: stem\.0 is a conv2d"):
        VulkanRecipe.parse("scheme=w8@1").scheme_by_layer(layers)
    with pytest.raises(SpaceError, match="the model has 4 layers"):
        VulkanRecipe.parse("scheme=w8@5").scheme_by_layer(layers)


def test_a_recipe_says_how_far_it_may_lead() -> None:
    assert VulkanRecipe.parse("default").exactness is Exactness.EXACT
    assert VulkanRecipe.parse("keep-mean-dims").exactness is Exactness.EXACT
    assert VulkanRecipe.parse("spell-attention").exactness is Exactness.REQUANTISING
    assert VulkanRecipe.parse("half=yes").exactness is Exactness.PRECISION


def test_a_recipe_becomes_settings_that_lower() -> None:
    model = mlp()
    recipe = VulkanRecipe.parse("scheme=w8@2 | fuse-linear-qcs8w")
    settings = recipe.settings(model_layers(model))
    assert VulkanRecipe().settings(model_layers(model)) == Settings()
    program = lower(model, VulkanTarget(), settings, model.calibration_inputs)
    names = [call.name for call in program.delegates[0].graph.chain]
    assert names.count("aten._weight_int8pack_mm.default") == 1
