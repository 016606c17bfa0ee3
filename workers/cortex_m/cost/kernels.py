"""Which formula holds for a call of a kernel."""

from __future__ import annotations

from collections.abc import Callable

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas import (
    convolution,
    depthwise,
    elementwise,
    movement,
    pooling,
    portable_means,
    portable_movement,
    portable_values,
    products,
    transposed_convolution,
    transposes,
)
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.target import InstructionSet

#: Formulas of one C function share their coefficients.
_GROUPS = {
    "conv2d_grouped": "conv2d",
    **dict.fromkeys(("minimum", "maximum"), "extremes"),
    **dict.fromkeys(("add_portable", "sub_portable", "mul_portable", "div_portable"), "arithmetic_portable"),
}

#: Formulas of rows that were counted with ExecuTorch's operator around the kernel.
WHOLE_OPERATORS = frozenset(
    {
        "addmm_portable", "select_copy_portable", "add_portable", "sub_portable", "mul_portable", "div_portable",
        "where_portable", "comparison_portable", "full_like_portable", "mean_portable", "extreme_of_a_number",
        "sigmoid_portable",
        "tanh_portable", "abs_int64_portable", "sub_int64_portable", "arange_portable", "index_portable", "div",
        "permute_copy", "clone_dim_order", "to_dim_order_copy", "slice_copy_portable", "split_portable",
        "upsample_nearest2d_portable", "quantized_activation", "cat_portable",
    }
)  # fmt: skip

Formula = Callable[[KernelCall, InstructionSet], Counts]
_Choice = Callable[[KernelCall, InstructionSet], str]

#: Formula -> its counts. A formula has one set of coefficients per class of processors.
FORMULAS: dict[str, Formula] = {
    "conv1x1": convolution.one_by_one,
    "conv1x1_strided": convolution.one_by_one_strided,
    "conv1d_row": convolution.row,
    "conv2d": convolution.columns,
    "conv2d_grouped": convolution.columns,
    "depthwise": depthwise.columns,
    "depthwise_3x3": depthwise.three_by_three,
    "depthwise_by_four": depthwise.by_four,
    "depthwise_generic": depthwise.generic,
    "depthwise_as_convolution": depthwise.as_convolution,
    "fully_connected": products.fully_connected,
    "batch_matmul": products.batch_matmul,
    "avgpool": pooling.average,
    "maxpool": pooling.maximum,
    "softmax": elementwise.softmax,
    "add": elementwise.arithmetic,
    "mul": elementwise.arithmetic,
    "minimum": elementwise.extremes,
    "maximum": elementwise.extremes,
    "memcpy": elementwise.copy,
    "lut_activation": elementwise.table,
    "transpose": transposes.transpose,
    "permute_copy": portable_movement.permute_operator,
    "clone_dim_order": portable_movement.clone_operator,
    "to_dim_order_copy": portable_movement.conversion_operator,
    "permute_copy_portable": portable_movement.permute_loop,
    "clone_dim_order_portable": portable_movement.clone_loop,
    "upsample_nearest2d_portable": movement.upsample,
    "pad": movement.pad,
    "transpose_conv": transposed_convolution.scattered,
    "transpose_conv_widened": transposed_convolution.widened,
    "quantized_activation": elementwise.looked_up,
    "quantize_per_tensor": elementwise.quantisation,
    "dequantize_per_tensor": elementwise.quantisation,
    "convolution_portable": convolution.portable,
    "addmm_portable": products.portable_addmm,
    "select_copy_portable": elementwise.selected,
    "relu_portable": elementwise.per_value,
    **dict.fromkeys(
        (
            "sigmoid_portable",
            "tanh_portable",
            "abs_int64_portable",
            "sub_int64_portable",
            "arange_portable",
            "div",
        ),
        elementwise.per_value,
    ),
    **dict.fromkeys(
        ("add_portable", "sub_portable", "mul_portable", "div_portable", "where_portable"), portable_values.of_operands
    ),
    "comparison_portable": portable_values.of_a_number,
    "full_like_portable": portable_values.filled,
    "extreme_of_a_number": portable_values.extreme_of_a_number,
    "mean_portable": portable_means.mean,
    "pow_portable": elementwise.power,
    "index_portable": elementwise.indexed,
    "slice_copy_portable": elementwise.sliced,
    "cat_portable": elementwise.chunks,
    "split_portable": elementwise.split,
}

#: Kernels whose wrapper in CMSIS-NN chooses between several.
_CHOICES: dict[str, _Choice] = {
    **dict.fromkeys(
        ("conv1x1", "conv1x1_strided", "conv2d", "conv1d_h1", "conv1d_w1", "conv2d_grouped"), convolution.kernel_of
    ),
    **dict.fromkeys(("depthwise", "depthwise1d", "depthwise_mult"), depthwise.kernel_of),
    "transpose_conv": transposed_convolution.kernel_of,
}


def formula_of(call: KernelCall, instruction_set: InstructionSet) -> str | None:
    """The name of the formula for a call; None where no such kernel was counted.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        The name in `FORMULAS`; None where no such kernel was counted.
    """
    choice = _CHOICES.get(call.kernel)
    name = choice(call, instruction_set) if choice else call.kernel
    return name if name in FORMULAS else None


def counts_of(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """How often the loops of a call run.

    The key is the formula or shared routine and the loop's name, as in `conv2d.pixels`.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Counts; none where no such kernel was counted.
    """
    name = formula_of(call, instruction_set)
    if name is None:
        return {}
    own = FORMULAS[name](call, instruction_set)
    counts = {loop if "." in loop else f"{_GROUPS.get(name, name)}.{loop}": times for loop, times in own.items()}
    if name == "depthwise_as_convolution":
        counts |= counts_of(depthwise.inner_convolution(call, instruction_set), instruction_set)
    return {loop: times for loop, times in counts.items() if times}
