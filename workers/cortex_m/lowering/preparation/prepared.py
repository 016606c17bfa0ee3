"""All that is changed in an exported model before it is quantised for the pipeline with explicit layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cortex_m.lowering.preparation.adaptive_maxima import adaptive_maxima_as_pools
from workers.cortex_m.lowering.preparation.named_paddings import paddings_by_number
from workers.cortex_m.lowering.preparation.pools_of_rows import pools_of_rows_as_images
from workers.cortex_m.lowering.preparation.transposed_convolutions import known_transposed_convolutions

if TYPE_CHECKING:
    from torch.fx import GraphModule


def prepare(module: GraphModule) -> None:
    """Change a model; its values stay the same.

    Args:
        module: of PyTorch's operators.
    """
    adaptive_maxima_as_pools(module)  # those of rows become pools of rows
    pools_of_rows_as_images(module)
    paddings_by_number(module)
    known_transposed_convolutions(module)
