"""1-D pools, which ExecuTorch's pipeline with explicit layouts refuses: they are quantised as 2-D ones."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from workers.cortex_m.check.compare import output_steps, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.preparation.pools_of_rows import pools_of_rows_as_images
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target

Pool = Callable[[torch.Tensor], torch.Tensor]


class Pooled(nn.Module):
    """A 1-D convolution and a pool."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.layer, self.pool = nn.Conv1d(3, 8, 3, padding=1), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(torch.relu(self.layer(x)))


POOLS: dict[str, Pool] = {
    "maximum": lambda x: functional.max_pool1d(x, 2),
    "maximum, strided and padded": lambda x: functional.max_pool1d(x, 3, stride=2, padding=1),
    "average": lambda x: functional.avg_pool1d(x, 4),
    "average, strided and padded": lambda x: functional.avg_pool1d(x, 3, stride=2, padding=1),
    "average without padding in it": lambda x: functional.avg_pool1d(x, 3, 2, 1, count_include_pad=False),
}
INPUTS = (torch.linspace(-1, 1, 75).sin().reshape(1, 3, 25),)


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_a_pool_of_rows_becomes_a_kernel_that_gives_what_it_gives(pool: Pool) -> None:
    quantised = quantise(Pooled(pool).eval(), INPUTS)
    program = Lowering(to_edge(quantised), Target.parse("cortex-m4")).lowered(())
    operators = [one.operator for one in operator_calls(program)]
    assert {"quantized_max_pool2d_nhwc", "quantized_avg_pool2d_nhwc"} & set(operators)
    assert operators.count("dequantize_per_tensor") == 1  # of the output: nothing else is in float
    outcome = within_one_step(outputs_of(program, INPUTS), outputs_of(quantised, INPUTS), output_steps(program))
    assert outcome.equal, outcome


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_the_rewritten_model_gives_the_same_values(pool: Pool) -> None:
    exported = torch.export.export(Pooled(pool).eval(), INPUTS).module()
    expected = exported(*INPUTS)
    pools_of_rows_as_images(exported)
    targets = {str(node.target) for node in exported.graph.nodes}
    assert not {one for one in targets if "pool1d" in one}
    assert torch.equal(exported(*INPUTS), expected)


def test_a_pool_without_a_batch_stays() -> None:
    exported = torch.export.export(Pooled(POOLS["maximum"]).eval(), (INPUTS[0][0],)).module()
    pools_of_rows_as_images(exported)
    assert "aten.max_pool1d.default" in {str(node.target) for node in exported.graph.nodes}
