"""Squares become products, which are quantised; `pow` stays in float and costs many times as much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.exactness import Exactness
from workers.cortex_m.passes.base import CortexMPass


@dataclass(frozen=True)
class SquareAsProduct(CortexMPass):
    """Applied to the float model, which is quantised again. See `workers.cortex_m.lowering.square_as_product`."""

    name: ClassVar[str] = "square-as-product"
    law: ClassVar[str] = (
        "the square of a value is its product with itself; int8 kernels round the product, and float rounded the square"
    )
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
