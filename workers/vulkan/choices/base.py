"""What a lowering choice for Vulkan is."""

from __future__ import annotations

from search_space.choices.base import RecipeChoice


class VulkanChoice(RecipeChoice):
    """Taken when a model is lowered; see `workers.vulkan.space.recipe` for what each does."""
