"""Half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.exactness import Exactness
from workers.vulkan.choices.base import VulkanChoice


class Half(VulkanChoice):
    """Values and weights of 16 bits everywhere."""

    name: ClassVar[str] = "half"
    alternatives: ClassVar[Mapping[str, str]] = {"yes": "floating point of 16 bits takes half of the bytes"}
    inexact: ClassVar[Mapping[str, Exactness]] = {"yes": Exactness.PRECISION}
