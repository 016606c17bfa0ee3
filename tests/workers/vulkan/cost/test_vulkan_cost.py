"""Facts of lowered programs, their order, and the number that keeps it."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vulkan_nets import (
    Attention,
    everywhere,
    lowered,
    made,
    mlp,
    relu6_convolutions,
    rewrite,
    static_convolutions,
)

from workers.vulkan.cost.facts import Facts, bytes_by_operator, facts
from workers.vulkan.cost.objective import lexicographic_cost
from workers.vulkan.cost.splits import splits
from workers.vulkan.lowering.graph.vk_graph import BUFFER, TEXTURE_3D, Tensor
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.registry import REWRITES


def test_an_mlp_moves_its_weights_and_activations() -> None:
    """16 rows of 64, 32 and 24 channels. Constants are counted at the size that they have in the file."""
    weights, biases = 64 * 32 + 32 * 24, 32 + 24
    activations = 16 * (64 + 32) + 16 * (32 + 32) + 16 * (32 + 24)
    found = facts(lowered(mlp()))
    assert found.moved_bytes == 4 * (weights + biases + activations)
    assert found.constant_bytes == 4 * (weights + biases)
    assert (found.refused, found.host_operators, found.delegates, found.operations) == (0, 0, 1, 3)
    assert facts(lowered(mlp(), half=True)).moved_bytes == found.moved_bytes // 2


def test_bytes_stand_by_operator_and_add_up() -> None:
    program = lowered(mlp())
    by_operator = bytes_by_operator(program)
    assert list(by_operator) == ["aten.linear.default", "aten.relu.default"]
    assert sum(by_operator.values()) == facts(program).moved_bytes


@pytest.mark.parametrize(
    ("shape", "storage", "layout", "padded"),
    [
        ((1, 3, 5, 6), TEXTURE_3D, "channels", 4 * 5 * 6),
        ((1, 3, 5, 6), TEXTURE_3D, "width", 3 * 5 * 8),
        ((5, 6), TEXTURE_3D, "height", 8 * 6),
        ((3, 5, 6), BUFFER, "width", 3 * 5 * 6),
        ((1, 3, 5, 6), BUFFER, "int8_4w4c", 4 * 5 * 8),
        ((5, 6), BUFFER, "int8_4h4w", 8 * 8),
    ],
)
def test_texels_and_blocks_are_padded(shape: tuple[int, ...], storage: str, layout: str, padded: int) -> None:
    assert Tensor(0, "float", shape, storage, layout, None, None).stored_bytes == 4 * padded
    assert Tensor(0, "int8", shape, storage, layout, None, None).stored_bytes == padded


def test_a_relu6_net_in_static_int8_moves_about_what_a_relu_net_does_without_its_clamps() -> None:
    model = relu6_convolutions()
    schemes = everywhere(Scheme.STATIC8, 4)
    passes = {
        "float_passes": (rewrite("keep-reduced-dims"), rewrite("quantise-behind-clamp")),
        "quantised_passes": (rewrite("drop-relu6"),),
    }
    stock, free = facts(lowered(model, schemes)), facts(lowered(model, schemes, **passes))
    relu = facts(static_convolutions())
    assert relu.moved_bytes <= free.moved_bytes < 1.1 * relu.moved_bytes
    assert free.moved_bytes * 2 < stock.moved_bytes


def test_splits_name_their_reason_and_the_rewrite_that_joins() -> None:
    available = [REWRITES["spell-attention"](), REWRITES["keep-reduced-dims"]()]
    first, second = splits(lowered(made(Attention, 1, 8, 32)), available)
    assert (first.operator, len(first.nodes)) == ("aten.mul.Scalar", 2)
    assert first.rewrites == ("spell-attention (--allow-requant)",)
    assert str(second) == f"aten.any.dim on the CPU: no operator implementation; {first.rewrites[0]} removes it"


counts = st.builds(
    Facts,
    refused=st.integers(0, 2), host_operators=st.integers(0, 900), delegates=st.integers(0, 90),
    moved_bytes=st.integers(0, 10**10 - 1), operations=st.integers(0, 900), constant_bytes=st.integers(0, 10**9),
    transitions=st.just(0), shared_bytes=st.just(0),
)  # fmt: skip


@given(counts, counts)
def test_the_number_orders_as_the_facts_do(one: Facts, other: Facts) -> None:
    def middle(found: Facts) -> tuple[int, ...]:
        return found.host_operators, found.delegates, found.moved_bytes, found.operations

    assert (lexicographic_cost(asdict(one)) < lexicographic_cost(asdict(other))) == (middle(one) < middle(other))
    digits = f"{lexicographic_cost(asdict(one)):018d}"
    assert tuple(int(part) for part in (digits[:3], digits[3:5], digits[5:15], digits[15:])) == middle(one)
    assert lexicographic_cost(asdict(one)) < 2**63


def test_one_operator_on_the_cpu_outweighs_all_bytes() -> None:
    mostly = Facts(0, 0, 1, 10**12, 10**6, 0, 0, 0)
    left = Facts(0, 1, 2, 1, 1, 0, 0, 0)
    assert lexicographic_cost(asdict(mostly)) < lexicographic_cost(asdict(left))
