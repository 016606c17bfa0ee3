"""What a lowered program executes, without its tensors: one record per operator of the file."""

from __future__ import annotations

from dataclasses import dataclass

from workers.cortex_m.cost.call import KernelCall


@dataclass(frozen=True)
class OperatorCall:
    """An instruction of a `.pte` file.

    Attributes:
        node: its name in the lowered program.
        operator: as in `quantized_conv2d_nhwc`.
        call: the kernel it calls; None where no kernel of this operator was counted.
        arguments: where there is no such kernel, dtypes and shapes of tensors, and numbers as text.
    """

    node: str
    operator: str
    call: KernelCall | None
    arguments: tuple[str, ...] = ()
