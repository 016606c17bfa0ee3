"""The gate of the Vulkan target against a runtime."""
