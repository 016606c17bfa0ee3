"""One call of a kernel: its arguments, as far as its executed instructions depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class KernelCall:
    """Sizes in elements. What a kernel does not have stays at its default.

    Attributes:
        kernel: its name in the counted tables, as in `conv2d` or `fully_connected`.
        n, h, w, c: batch, height, width and channels of the input. For `fully_connected`, n rows of c values; for
            `batch_matmul`, n products of h rows by c values.
        o: output channels; for `batch_matmul`, columns of the result.
        kh, kw, sh, sw, ph, pw, dh, dw: kernel, stride, padding before, dilation; along height and width.
        oh, ow: height and width of the output.
        groups: input channels of depthwise convolutions, else the groups.
        elements: values of the result, of kernels that work by element.
        axes: of the value, of portable operators that look at each of its axes.
        dims, perm: shape of the input and its permutation, of movements; `perm[i]`: which axis becomes axis i. For
            `mean_portable`, the axes that go.
        operands: shapes of the operands of portable operators that broadcast them to `dims`.
        before, after: padding per axis, of `pad`.
        to_channels_last: the direction of `clone_dim_order_portable`.
        no_left_offset, no_right_offset: of `batch_matmul`, whether a side's zero point is zero: loops are left out.
        dtype, from_dtype: of the values that a portable operator moves, and of what it converts them from.
    """

    kernel: str
    n: int = 1
    h: int = 1
    w: int = 1
    c: int = 1
    o: int = 1
    kh: int = 1
    kw: int = 1
    sh: int = 1
    sw: int = 1
    ph: int = 0
    pw: int = 0
    dh: int = 1
    dw: int = 1
    oh: int = 1
    ow: int = 1
    groups: int = 1
    elements: int = 0
    axes: int = 0
    dims: tuple[int, ...] = ()
    perm: tuple[int, ...] = ()
    operands: tuple[tuple[int, ...], ...] = ()
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    to_channels_last: bool = True
    no_left_offset: bool = False
    no_right_offset: bool = False
    dtype: str = "int8"
    from_dtype: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> KernelCall:
        """The call that a row of the counted kernels in `evidence/data` is about."""
        columns = {one.name: _COLUMNS.get(one.name, one.name.upper()) for one in fields(cls) if one.type == "int"}
        sizes = {name: row.get(column) for name, column in columns.items()}
        numbers = {name: int(text) for name, text in sizes.items() if text}
        return cls(
            row["kernel"],
            dims=_shape(row["dims"]),
            perm=tuple(int(one) for one in row["perm"]),
            operands=tuple(_shape(one) for one in row["operands"].split("/")) if row.get("operands") else (),
            before=tuple(int(one) for one in row["pre"].split("/") if one),
            after=tuple(int(one) for one in row["post"].split("/") if one),
            to_channels_last=row["dir"] != "to_nchw",
            no_left_offset=row.get("left_offset") == "0",
            no_right_offset=row.get("right_offset") == "0",
            dtype=row.get("dtype") or "int8",
            from_dtype=row.get("from_dtype") or "",
            **numbers,
        )

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kh * self.kw

    @property
    def depth(self) -> int:
        """Products per output value of a convolution."""
        return self.taps * (self.c // self.groups)

    @property
    def pixels(self) -> int:
        """Positions of the output, without batch."""
        return self.oh * self.ow


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split("x") if one)


#: Fields whose column has another name than theirs in capitals.
_COLUMNS = {"groups": "G", "elements": "n", "axes": "axes"}
