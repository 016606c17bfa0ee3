"""Reads operators that call a kernel of CMSIS-NN."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.reading.movement import moved
from workers.cortex_m.cost.reading.nodes import (
    Reader,
    args_of,
    dim_order_of,
    operator_of,
    shape_of,
)

if TYPE_CHECKING:
    from torch.fx import Node


def _pixels(node: Any, channels_last: bool) -> tuple[int, int, int, int]:
    """Batch, height, width and channels of an image."""
    n, second, third, fourth = shape_of(node)
    return (n, second, third, fourth) if channels_last else (n, third, fourth, second)


def _nhwc(node: Node) -> bool:
    return operator_of(node).endswith("_nhwc")


def _window(node: Node, sizes: dict[str, Any], stride: Any, padding: Any, dilation: Any = (1, 1)) -> dict[str, Any]:
    _, oh, ow, _ = _pixels(node, _nhwc(node))
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    return {"oh": oh, "ow": ow, "sh": sh, "sw": sw, "ph": ph, "pw": pw, "dh": dh, "dw": dw, **sizes}


def _convolution(node: Node) -> KernelCall:
    image, weight, _, stride, padding, dilation = args_of(node)[:6]
    n, h, w, c = _pixels(image, _nhwc(node))
    o, kh, kw, depth = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw, "groups": c // depth}
    return KernelCall("conv2d", **_window(node, sizes, stride, padding, dilation))


def _depthwise(node: Node) -> KernelCall:
    image, weight, _, stride, padding, dilation = args_of(node)[:6]
    n, h, w, c = _pixels(image, _nhwc(node))
    _, kh, kw, o = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw, "groups": c}
    kernel = "depthwise" if o == c else "depthwise_mult"
    return KernelCall(kernel, **_window(node, sizes, stride, padding, dilation))


def _transposed_convolution(node: Node) -> KernelCall:
    image, weight, _, stride, padding = args_of(node)[:5]
    n, h, w, c = _pixels(image, _nhwc(node))
    o, kh, kw, _ = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw}
    return KernelCall("transpose_conv", **_window(node, sizes, stride, padding))


def _pool(kernel: str) -> Callable[[Node], KernelCall]:
    def read(node: Node) -> KernelCall:
        image, (kh, kw), stride, padding = args_of(node)[:4]
        n, h, w, c = _pixels(image, _nhwc(node))
        sizes = {"n": n, "h": h, "w": w, "c": c, "o": c, "kh": kh, "kw": kw}
        return KernelCall(kernel, **_window(node, sizes, stride, padding))

    return read


def _linear(node: Node) -> KernelCall:
    *rows, depth = shape_of(args_of(node)[0])
    return KernelCall("fully_connected", n=prod(rows), c=depth, o=shape_of(node)[-1])


def _matmul(node: Node) -> KernelCall:
    left, left_zero, _, right_zero = args_of(node)[:4]
    (n, h, o), depth = shape_of(node), shape_of(left)[-1]
    offsets = {"no_left_offset": left_zero == 0, "no_right_offset": right_zero == 0}
    return KernelCall("batch_matmul", n=n, h=h, c=depth, o=o, **offsets)


def _softmax(node: Node) -> KernelCall:
    *rows, last = shape_of(node)
    return KernelCall("softmax", n=prod(rows), c=last)


def _by_element(kernel: str) -> Callable[[Node], KernelCall]:
    return lambda node: KernelCall(kernel, elements=prod(shape_of(node)))


#: Axes that CMSIS-NN's kernels take at most.
_KERNEL_AXES = 4


def _extreme(kernel: str) -> Callable[[Node], KernelCall | None]:
    """Of two values of one shape, or of values and one number; no others were counted."""

    def read(node: Node) -> KernelCall | None:
        shapes = [shape_of(one) for one in args_of(node)[:2]]
        whole = shape_of(node)
        if {*shapes} == {whole}:
            return KernelCall(kernel, elements=prod(whole))
        if shapes[0] == whole and prod(shapes[1]) == 1:
            return KernelCall("extreme_of_a_number", elements=prod(whole), axes=sum(map(len, shapes)))
        return None

    return read


def _transpose(node: Node) -> KernelCall | None:
    """The kernel refuses more than four axes."""
    return moved("transpose", node) if len(shape_of(node)) <= _KERNEL_AXES else None


def _pad(node: Node) -> KernelCall | None:
    """The kernel refuses more than four axes. Its padding is given in the order of memory, of four axes, the last ones
    of which the image has."""
    image, before, after = args_of(node)[:3]
    shape = shape_of(image)
    if len(shape) > _KERNEL_AXES:
        return None
    # ExecuTorch takes such images for channels_last, whatever their order is called.
    is_channels_last = len(shape) == _KERNEL_AXES and (shape[1] == 1 or shape[2:] == (1, 1))
    order = (0, 2, 3, 1) if is_channels_last else dim_order_of(image)
    dims = tuple(shape[axis] for axis in order)
    first, last = (tuple(int(one) for one in axes)[-len(dims) :] for axes in (before, after))
    return KernelCall("pad", elements=prod(shape_of(node)), dims=dims, before=first, after=last)


#: Operator -> how its call is read.
KERNELS: dict[str, Reader] = {
    **dict.fromkeys(("quantized_conv2d", "quantized_conv2d_nhwc"), _convolution),
    **dict.fromkeys(("quantized_depthwise_conv2d", "quantized_depthwise_conv2d_nhwc"), _depthwise),
    **dict.fromkeys(("quantized_transpose_conv2d", "quantized_transpose_conv2d_nhwc"), _transposed_convolution),
    **dict.fromkeys(("quantized_avg_pool2d", "quantized_avg_pool2d_nhwc"), _pool("avgpool")),
    **dict.fromkeys(("quantized_max_pool2d", "quantized_max_pool2d_nhwc"), _pool("maxpool")),
    "quantized_linear": _linear,
    "quantized_batch_matmul": _matmul,
    "softmax": _softmax,
    "quantized_add": _by_element("add"),
    "quantized_mul": _by_element("mul"),
    "quantized_div": _by_element("div"),
    "minimum": _extreme("minimum"),
    "maximum": _extreme("maximum"),
    "quantized_activation": _by_element("quantized_activation"),
    "quantize_per_tensor": _by_element("quantize_per_tensor"),
    "dequantize_per_tensor": _by_element("dequantize_per_tensor"),
    "transpose": _transpose,
    "pad": _pad,
}
