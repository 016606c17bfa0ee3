"""Which reference stands for which operator of a delegate. The operators that are not here are PyTorch's own.

A GELU is here because the runtime's kernel computes the form with tanh whichever is asked for.

What ExecuTorch's wheel registers for the fused operators is for shapes. linear_qcs4w keeps the 8 that its packing adds.
int8 convolutions read their weights in another order. Dynamic activations are not quantised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workers.vulkan.check import floats, int8, weight_only

REFERENCES: Mapping[str, Callable[..., Any]] = {
    "et_vk.prepack.default": lambda x: x,
    "et_vk.conv_with_clamp.default": floats.conv_with_clamp,
    "et_vk.rms_norm.default": floats.rms_norm,
    "et_vk.apply_rotary_emb.default": floats.apply_rotary_emb,
    "et_vk.apply_rotary_emb_hf.default": floats.apply_rotary_emb_hf,
    "aten.gelu.default": floats.gelu,
    "aten._weight_int8pack_mm.default": weight_only.weight_int8pack_mm,
    "et_vk.linear_qcs4w.default": weight_only.linear_qcs4w,
    "et_vk.linear_q4gsw.default": weight_only.linear_q4gsw,
    "et_vk.linear_dq8ca_q4gsw.default": weight_only.linear_dq8ca_q4gsw,
    "et_vk.embedding_q4gsw.default": weight_only.embedding_q4gsw,
    "et_vk.linear_q8ta_q8csw.default": int8.linear_q8ta_q8csw,
    "et_vk.q8ta_linear.default": int8.q8ta_linear,
    "et_vk.q8ta_linear_gemv.default": int8.q8ta_linear,
    "et_vk.q8ta_conv2d.default": int8.q8ta_conv2d,
    "et_vk.q8ta_conv2d_pw.default": int8.q8ta_conv2d,
    "et_vk.q8ta_conv2d_dw.default": int8.q8ta_conv2d_dw,
    "et_vk.q8ta_conv2d_transposed.default": int8.q8ta_conv2d_transposed,
    "et_vk.q8ta_add.default": int8.q8ta_add,
    "et_vk.q8ta_relu.default": int8.q8ta_relu,
    "et_vk.q8ta_pixel_shuffle.default": int8.q8ta_pixel_shuffle,
}

#: Those of kernels that do not sum in single precision where values have half.
IN_HALF: Mapping[str, Callable[..., Any]] = {"et_vk.linear_q4gsw.default": weight_only.linear_q4gsw_in_half}
