"""Vulkan: small models, and the table of its page."""
