"""Which shaders the runtime asks for, for the operators that ask for one that may be missing.

Each function follows the file of the runtime (executorch main of 2026-08-22) that it names. Shaders that only some
devices take, for cooperative matrices or without integer dot products, are not among them.
"""

from __future__ import annotations

from collections.abc import Callable

from workers.vulkan.lowering.graph.vk_graph import BUFFER, Call, Tensor

#: As the runtime writes element types into names of shaders.
_SUFFIX = {"bool": "uint8"}


def kernels(call: Call) -> tuple[str, ...]:
    """Names of the shaders that an operator needs; nothing for operators that are not known here."""
    known = _KERNELS.get(call.name)
    return tuple(known(call)) if known else ()


def _dtype(tensor: Tensor) -> str:
    return _SUFFIX.get(tensor.dtype, tensor.dtype)


def _qcs_weights(call: Call, bits: int) -> list[str]:
    """QuantizedLinearQCSNW.cpp."""
    rows, out = call.tensors[0], call.results[0]
    tiled = rows.batch == 1 and rows.shape[-1] % 4 == 0 and out.shape[-1] % 4 == 0
    if bits == 8 and not tiled:
        return [f"linear_qcs8w_W_packed_W_packed_{_dtype(out)}_{out.storage}"]
    algorithm = "coop" if rows.rows == 1 else "tiled"
    tile = next(size for size in (3, 4, 2, 1) if rows.rows % size == 0)
    packed = BUFFER if bits == 4 else "texture2d"
    name = f"linear_qcs{bits}w_{algorithm}_{out.storage}_{rows.storage}_{packed}_texture2d_{_dtype(out)}"
    return [f"{name}_o4x{tile}"]


def _q4gsw(call: Call) -> list[str]:
    """QuantizedLinear.cpp, pick_linear_qw_shader."""
    rows, out = call.tensors[0], call.results[0]
    return [f"linear_q4gsw_{'coop' if rows.rows == 1 else 'tiled'}_{out.storage}_texture2d_{_dtype(out)}"]


def _dq8ca_q4gsw(call: Call) -> list[str]:
    """QuantizedLinear.cpp, pick_linear_dqa_qw_shader; QuantizeDequantize.cpp."""
    rows, zeros, out, group = call.tensors[0], call.tensors[2], call.results[0], call.arguments[6]
    mode = "zpint8" if zeros.dtype == "int8" else "zpinherit"
    algorithm = "coop" if rows.rows == 1 else "tiled"
    block = "o2w32" if group >= 128 else "o4w16"
    packing = f"quantize_and_pack_4h4w_with_group_sums_{block}_buffer_{rows.storage}_{_dtype(rows)}_{mode}"
    return [packing, f"linear_dq8ca_q4gsw_{algorithm}_{out.storage}_texture2d_{_dtype(out)}_{mode}"]


def _q8ta_q8csw(call: Call) -> list[str]:
    """QuantizedLinear.cpp, add_linear_qa_qw_node; QuantizeDequantize.cpp."""
    rows, out = call.tensors[0], call.results[0]
    packing = f"quantize_and_pack_4h4w_per_tensor_buffer_{rows.storage}_{_dtype(rows)}"
    return [packing, f"linear_q8ta_q8csw_tiled_{out.storage}_buffer_texture2d_{_dtype(out)}"]


def _by_scales(name: str) -> Callable[[Call], list[str]]:
    """Q8taLinear.cpp, Q8taLinearGemv.cpp and Q8taConv2d*.cpp: the element type is that of the scales of the weights."""
    return lambda call: [f"{name}_{_dtype(call.tensors[3])}"]


def _quantize(call: Call) -> list[str]:
    """Q8taQuantizeDequantize.cpp."""
    return [f"q8ta_quantize_{call.tensors[0].storage}_{_dtype(call.tensors[0])}"]


def _dequantize(call: Call) -> list[str]:
    """Q8taQuantizeDequantize.cpp."""
    return [f"q8ta_dequantize_{call.results[0].storage}_{_dtype(call.results[0])}"]


def _by_output(name: str) -> Callable[[Call], list[str]]:
    """Softmax.cpp, Embedding.cpp and RmsNorm.cpp."""
    return lambda call: [f"{name}_{call.results[0].storage}_{_dtype(call.results[0])}"]


def _choose_qparams(call: Call) -> list[str]:
    """ChooseQParams.cpp."""
    rows = call.tensors[0]
    zeros = call.results[1].dtype if len(call.results) > 1 else "int8"
    return [f"choose_qparams_per_row_{rows.storage}_{_dtype(rows)}_{'zpint8' if zeros == 'int8' else 'zpinherit'}"]


def _concat(call: Call) -> list[str]:
    """Concat.cpp: three inputs at a time."""
    out, count = call.results[0], len(call.tensors)
    sizes = {3} if count >= 3 else set()
    sizes |= {count % 3} - {0}
    return [f"concat_{size}_{out.storage}_{_dtype(out)}" for size in sorted(sizes)]


def _equal(call: Call) -> list[str]:
    """BinaryOp.cpp."""
    return [f"binary_eq_{call.results[0].storage}_{_dtype(call.tensors[0])}"]


def _index(call: Call) -> list[str]:
    """IndexTensor.cpp, with the storage of the index in the names for buffers as release 1.5.1 has it."""
    *_, index = call.tensors
    out = call.results[0]
    storage = f"{out.storage}_{index.storage or BUFFER}" if out.storage == BUFFER else out.storage
    return [f"index_tensor_{storage}_{_dtype(out)}"]


def _converting_view(call: Call) -> list[str]:
    """View.cpp and ToCopy.cpp: only where the element type changes."""
    source, out = call.tensors[0], call.results[0]
    if _dtype(source) == _dtype(out):
        return []
    kind = "buffer" if out.storage == BUFFER else "texture"
    return [f"view_convert_{kind}_{_dtype(source)}_{_dtype(out)}"]


_KERNELS: dict[str, Callable[[Call], list[str]]] = {
    "aten._weight_int8pack_mm.default": lambda call: _qcs_weights(call, 8),
    "et_vk.linear_qcs4w.default": lambda call: _qcs_weights(call, 4),
    "et_vk.linear_q4gsw.default": _q4gsw,
    "et_vk.linear_dq8ca_q4gsw.default": _dq8ca_q4gsw,
    "et_vk.linear_q8ta_q8csw.default": _q8ta_q8csw,
    "et_vk.q8ta_linear.default": _by_scales("q8ta_linear"),
    "et_vk.q8ta_linear_gemv.default": _by_scales("q8ta_linear_gemv"),
    "et_vk.q8ta_conv2d.default": _by_scales("q8ta_conv2d"),
    "et_vk.q8ta_conv2d_dw.default": _by_scales("q8ta_conv2d_dw"),
    "et_vk.q8ta_conv2d_pw.default": _by_scales("q8ta_conv2d_pw"),
    "et_vk.q8ta_conv2d_transposed.default": _by_scales("q8ta_conv2d_transposed"),
    "quantized_decomposed.quantize_per_tensor.default": _quantize,
    "quantized_decomposed.dequantize_per_tensor.default": _dequantize,
    "aten._softmax.default": _by_output("softmax"),
    "aten._log_softmax.default": _by_output("log_softmax"),
    "aten.embedding.default": _by_output("embedding"),
    "et_vk.rms_norm.default": _by_output("rms_norm"),
    "torchao.choose_qparams_affine.default": _choose_qparams,
    "aten.cat.default": _concat,
    "aten.eq.Tensor": _equal,
    "aten.index.Tensor": _index,
    "aten.view_copy.default": _converting_view,
    "aten._to_copy.default": _converting_view,
    "dim_order_ops._to_dim_order_copy.default": _converting_view,
}
