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
    products,
    transposed_convolution,
    transposes,
)
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.cost.formulas.portable import copies, layouts, normalisation, reductions, values
from workers.cortex_m.target import InstructionSet

#: Formulas of one C function share their coefficients.
_GROUPS = {
    "conv2d_grouped": "conv2d",
    **dict.fromkeys(("minimum", "maximum"), "extremes"),
    **dict.fromkeys(("add_portable", "sub_portable", "mul_portable", "div_portable"), "arithmetic_portable"),
}

#: Portable operators of one operand whose instructions are proportional to the number of values.
_PER_VALUE = (
    "abs_int64_portable", "abs_portable", "arange_portable", "ceil_portable", "cos_portable", "div", "elu_portable",
    "erf_portable", "exp_portable", "expm1_portable", "floor_portable", "fmod_int64_portable", "full_portable",
    "gelu_portable", "hardtanh_portable", "leaky_relu_portable", "log10_portable", "log1p_portable", "log2_portable",
    "log_portable", "logical_not_portable", "neg_portable", "reciprocal_portable", "relu_portable", "round_portable",
    "rsqrt_portable", "sigmoid_portable", "sign_portable", "sin_portable", "sqrt_portable", "sub_int64_portable",
    "tanh_portable", "trunc_portable",
)  # fmt: skip

Formula = Callable[[KernelCall, InstructionSet], Counts]
_Choice = Callable[[KernelCall, InstructionSet], str]

#: Formula of a kernel -> its counts. ExecuTorch's operator around the kernel is priced apart.
_KERNELS: dict[str, Formula] = {
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
    "permute_copy_portable": layouts.permute_loop,
    "clone_dim_order_portable": layouts.clone_loop,
    "pad": movement.pad,
    "transpose_conv": transposed_convolution.scattered,
    "transpose_conv_widened": transposed_convolution.widened,
    "quantize_per_tensor": elementwise.quantisation,
    "dequantize_per_tensor": elementwise.quantisation,
    "convolution_portable": convolution.portable,
    "pow_portable": elementwise.power,
}

#: Formula of an operator -> its counts. Its rows were counted with all of the operator.
_OPERATORS: dict[str, Formula] = {
    "permute_copy": layouts.permute_operator,
    "clone_dim_order": layouts.clone_operator,
    "to_dim_order_copy": layouts.conversion_operator,
    "upsample_nearest2d_portable": movement.upsample,
    "quantized_activation": elementwise.looked_up,
    "addmm_portable": products.portable_addmm,
    "select_copy_portable": copies.selected,
    **dict.fromkeys(_PER_VALUE, elementwise.per_value),
    **dict.fromkeys(("clamp_portable", "clamp_min_portable", "clamp_max_portable"), elementwise.clamped),
    **dict.fromkeys(
        ("add_portable", "sub_portable", "mul_portable", "div_portable", "where_portable", "add_int64_portable"),
        values.of_operands,
    ),
    "comparison_portable": values.of_a_number,
    "full_like_portable": values.filled,
    "extreme_of_a_number": values.extreme_of_a_number,
    **dict.fromkeys(("mean_portable", "sum_portable", "amax_portable"), reductions.reduced),
    **dict.fromkeys(("any_portable", "argmax_portable"), reductions.of_an_axis),
    "var_portable": reductions.variance,
    **dict.fromkeys(("bmm_portable", "mm_portable"), products.portable_bmm),
    **dict.fromkeys(("softmax_portable", "log_softmax_portable"), normalisation.softmax),
    "group_norm_portable": normalisation.group_norm,
    "batch_norm_statistics_portable": normalisation.batch_norm_statistics,
    "layer_norm_portable": normalisation.layer_norm,
    "batch_norm_portable": normalisation.batch_norm,
    **dict.fromkeys(("index_portable", "index_select_portable", "embedding_portable"), copies.indexed),
    **dict.fromkeys(("expand_copy_portable", "repeat_portable"), copies.expanded),
    "slice_copy_portable": copies.sliced,
    "cat_portable": copies.chunks,
    "split_portable": copies.split,
}

#: All of them. A formula has one set of coefficients per class of processors.
FORMULAS = {**_KERNELS, **_OPERATORS}

WHOLE_OPERATORS = frozenset(_OPERATORS)

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
