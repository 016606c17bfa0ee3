"""The GPU to compile for.

It is what ExecuTorch's Vulkan backend has to know of it, and the runtime for the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from workers.checking.allowance import QualityLabel

#: Largest extent of a 3D image in width and height: what ExecuTorch assumes of phones, and what it assumes of every
#: device. In depth it assumes the latter of all.
PHONE_TEXTURE_LIMIT, GUARANTEED_TEXTURE_LIMIT = 16384, 2048

#: The state of ExecuTorch's Vulkan runtime that `workers.vulkan.gate` knows.
KNOWN_RUNTIME = "executorch main of 2026-08-22 (cff6f4d)"

#: Filters of depthwise convolutions that have shaders of their own in that runtime; all others share one.
DEPTHWISE_SHADERS = ((3, 3), (5, 5))


@dataclass(frozen=True)
class VulkanTarget:
    """A GPU with ExecuTorch's Vulkan runtime. Which GPU it is changes nothing of what is compiled but these limits.

    Attributes:
        texture_limit: largest extent of a 3D image in width and height, in texels. The depth stops at
            `GUARANTEED_TEXTURE_LIMIT`, which suits every device.
        buffer_limit: most elements of a buffer; ExecuTorch assumes 2**27 of them, 128 MiB of bytes.
        runner: the user's command that runs programs; empty where there is none.
        runner_label: of what it gives: `measured` on a device, `simulated` on a Vulkan that is software.
        profile: the user's file with rates of a device; empty where there is none. It changes no result.
    """

    texture_limit: int = PHONE_TEXTURE_LIMIT
    buffer_limit: int = 128 * 1024 * 1024
    runner: str = ""
    runner_label: QualityLabel = "simulated"
    profile: str = ""

    @property
    def backend(self) -> str:
        """See `workers.backend.target.Target`."""
        return "vulkan"

    @property
    def name(self) -> str:
        """See `workers.backend.target.Target`."""
        return "vulkan"

    @property
    def options(self) -> dict[str, str]:
        """See `workers.backend.target.Target`."""
        limit = "" if self.texture_limit == PHONE_TEXTURE_LIMIT else str(self.texture_limit)
        label = self.runner_label if self.runner else ""
        said = {
            "--texture-limit": limit, "--vk-runner": self.runner, "--vk-label": label, "--device-profile": self.profile,
        }  # fmt: skip
        return {"--target": self.name, **{name: value for name, value in said.items() if value}}

    @property
    def clock_hz(self) -> float | None:
        """None: nothing is a time."""
        return None

    @property
    def label(self) -> str:
        """For people."""
        said = [f"textures up to {self.texture_limit}"] if self.texture_limit != PHONE_TEXTURE_LIMIT else []
        return ", ".join(["vulkan", *said, *([f"{self.runner_label} by a runner"] if self.runner else [])])

    def identity(self) -> dict[str, str]:
        """What makes two targets the same, as plain strings."""
        return {"accelerator": "vulkan", **self.facts()}

    def facts(self) -> dict[str, str]:
        """Of the device and its runtime."""
        return {
            "texture_limit": str(self.texture_limit),
            "buffer_limit": str(self.buffer_limit),
            "runtime": KNOWN_RUNTIME,
            **({"vk_runner": self.runner, "vk_label": self.runner_label} if self.runner else {}),
        }

    def compile_options(self, *, half: bool) -> dict[str, bool | int | tuple[int, int, int]]:
        """The options of `VulkanPartitioner`.

        Args:
            half: compute in half precision.
        """
        limit, depth = self.texture_limit, min(self.texture_limit, GUARANTEED_TEXTURE_LIMIT)
        return {"texture_limits": (limit, limit, depth), "buffer_limit": self.buffer_limit, "force_fp16": half}
