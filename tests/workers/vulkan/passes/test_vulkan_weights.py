"""Weights that the model computes: from constants, or from its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from support.vulkan_nets import Of, made, operators, programs_of
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from search_space.recipe.recipe import Recipe
from workers.vulkan.lowering.lowering import model_layers
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.forms.multiply_in_a_batch import MultiplyInABatch
from workers.vulkan.passes.weights.fold_weights import FoldWeights


def standardised(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    weight = layer.weight - layer.weight.mean((1, 2, 3), keepdim=True)
    return F.conv2d(x, weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5), layer.bias)


def placed(layer: nn.Linear, places: nn.Embedding, x: torch.Tensor) -> torch.Tensor:
    return layer(x) + places(torch.arange(x.shape[1]))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Sequential(weight_norm(nn.Linear(6, 5)), nn.ReLU()), (3, 6)),
        (lambda: nn.Sequential(weight_norm(nn.Conv1d(4, 6, 3)), nn.ReLU()), (1, 4, 9)),
        (lambda: Of(lambda layer, x: F.linear(x, layer.weight * (layer.weight > 0)).relu(), nn.Linear(6, 5)), (3, 6)),
        (lambda: Of(standardised, nn.Conv2d(3, 4, 3)), (1, 3, 6, 6)),
        (lambda: nn.Sequential(spectral_norm(nn.Conv2d(3, 4, 3)), nn.ReLU()), (1, 3, 6, 6)),
    ],
    ids=["weight norm", "weight norm of a convolution", "mask", "standardisation", "spectral norm"],
)
def test_weights_of_constants_are_folded_bit_for_bit(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    programs = programs_of(made(make, *shape))
    default, folded = programs.built(Recipe()), programs.built(Recipe.parse("fold-weights"))
    assert "weights are computed" in programs.executed(default, False, False, True).reason
    assert programs.starting_points()[0].startswith("fold-weights")
    assert programs.executed(folded, False, False, False).equal
    assert programs.equal(folded, default, False).equal
    (names,) = operators(programs.lowered(folded))
    assert len(names) <= 2


def test_schemes_are_for_the_same_layers_before_and_after() -> None:
    """The layer whose weights are folded once got the scheme of the next one."""
    net = made(lambda: nn.Sequential(weight_norm(nn.Linear(16, 24)), nn.ReLU(), nn.Linear(24, 8)), 4, 16)
    programs = programs_of(net)
    assert [layer.computes_weights for layer in model_layers(net)] == [True, False]
    assert not programs.space.schemes[1] and Scheme.W8 in programs.space.schemes[2]
    scheme, folded = (programs.built(Recipe.parse(f"scheme=w8{passes}")) for passes in ("", " | fold-weights"))
    assert programs.equal(folded, scheme, False).equal
    (names,) = operators(programs.lowered(programs.built(Recipe.parse("scheme=w8 | fold-weights,fuse-linear-qcs8w"))))
    assert names.count("aten.linear.default") == names.count("aten._weight_int8pack_mm.default") == 1


def test_a_table_of_places_is_folded() -> None:
    programs = programs_of(made(lambda: Of(placed, nn.Linear(6, 8), nn.Embedding(16, 8)), 1, 5, 6))
    default, folded = programs.built(Recipe()), programs.built(Recipe.parse("fold-weights"))
    assert programs.equal(folded, default, False).equal
    assert any("embedding" in name for name in operators(programs.lowered(default))[0])
    assert not any("embedding" in name for name in operators(programs.lowered(folded))[0])


def test_before_a_batch_norm_folding_rounds_otherwise() -> None:
    net = made(lambda: nn.Sequential(spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)), 1, 3, 6, 6)
    programs = programs_of(net)
    folded = programs.built(Recipe.parse("fold-normed-weights"))
    assert not FoldWeights().sites(net.program.module(check_guards=False))
    assert programs.executed(folded, False, False, False).equal
    assert programs.quality(folded).sqnr_db > 100
    assert operators(programs.lowered(folded)) == [["aten.convolution.default"]]


@pytest.mark.parametrize(
    "of",
    [
        lambda layer, x: layer(x),
        lambda layer, x: x @ layer.weight.t(),
        lambda layer, x: F.linear(x, layer.weight * x.mean()),
        lambda layer, x: torch.dropout(layer.weight, 0.5, True) + x.sum(),
    ],
    ids=["weights", "views", "inputs", "random numbers"],
)
def test_other_weights_stay(of: Callable[..., torch.Tensor]) -> None:
    net = Of(of, nn.Linear(6, 5))
    module: Any = torch.export.export(net, (torch.randn(3, 6),)).module(check_guards=False)
    assert not FoldWeights().sites(module)


def similarity(first: nn.Linear, second: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return F.normalize(first(x), dim=-1) @ F.normalize(second(x), dim=-1).t()


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        (similarity, (4, 6)),
        (lambda first, second, x: torch.mm(first(x), second(x).T), (4, 6)),
        (lambda first, second, x: F.linear(x, first(x)[:, :6] * 2), (4, 6)),
        (lambda first, second, x: F.linear(x, first(x)[0, :3, :6], second(x)[0, 0, :3]), (2, 4, 6)),
        (lambda first, second, x: first(x) @ second(x)[1].t(), (3, 4, 6)),
    ],
    ids=["similarity", "mm", "linear", "linear with a bias", "matmul of three dimensions"],
)
def test_products_with_computed_matrices_are_in_a_batch(
    of: Callable[..., torch.Tensor], shape: tuple[int, ...]
) -> None:
    programs = programs_of(made(lambda: Of(of, nn.Linear(6, 8), nn.Linear(6, 8)), *shape))
    default, batched = programs.built(Recipe()), programs.built(Recipe.parse("multiply-in-a-batch"))
    assert "weights are computed" in programs.executed(default, False, False, True).reason
    assert programs.starting_points()[0].startswith("multiply-in-a-batch")
    assert programs.executed(batched, False, False, False).equal
    assert programs.quality(batched).sqnr_db > 100
    assert "aten.bmm.default" in operators(programs.lowered(batched))[0]


@pytest.mark.parametrize(
    "of",
    [
        lambda layer, x: layer(x),
        lambda layer, x: layer.weight @ x.t(),
        lambda layer, x: x @ x.transpose(1, 2),
        lambda layer, x: x @ x.relu(),
    ],
    ids=["weights", "first of constants", "batches", "not transposed"],
)
def test_other_products_stay(of: Callable[..., torch.Tensor]) -> None:
    shape = (2, 4, 6) if "transpose" in of.__code__.co_names else (6, 6)
    module: Any = torch.export.export(Of(of, nn.Linear(6, 6)), (torch.randn(*shape),)).module(check_guards=False)
    assert not MultiplyInABatch().sites(module)
