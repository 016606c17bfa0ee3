"""The values that an operation's properties are made of. Shapes are (height, width, depth) in elements."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Span:
    """Consecutive bytes in memory.

    Attributes:
        region: which of the runtime's base pointers it counts from; None for memory inside the NPU, which is where
            look-up tables are. `workers.ethos_u.cost.stream_cost.hardware.board` lists the regions.
        address: bytes from that base.
        length_bytes: its size.
    """

    region: int | None
    address: int
    length_bytes: int


@dataclass(frozen=True)
class Padding:
    """Rows and columns of zero points around an IFM, in elements of the upscaled IFM."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Kernel:
    """What slides over the IFM. Width, height: its own taps, dilation not counted in."""

    width: int
    height: int
    stride_x: int
    stride_y: int
    dilation_x: int
    dilation_y: int

    @property
    def dilated_width(self) -> int:
        """Columns of the (upscaled) IFM that one output element sees from left to right."""
        return (self.width - 1) * self.dilation_x + 1

    @property
    def dilated_height(self) -> int:
        """Rows of the (upscaled) IFM that one output element sees from top to bottom."""
        return (self.height - 1) * self.dilation_y + 1


@dataclass(frozen=True)
class FeatureMap:
    """A tensor, or the part of one, that an operation reads or writes.

    Attributes:
        shape: (height, width, depth) in elements. Of an OFM: as it is computed, before `transpose`. Of an IFM: what the
            operation reads of it, before upscaling. A dimension that is broadcast has size 1.
        element_bytes: 1, 2, 4 or 8.
        signed: whether elements are.
        format: `NHWC` or `NHCWB16` (depth in bricks of 16).
        zero_point: as a signed number if elements are signed.
        region: base pointer of the addresses; of a chained feature map (U85) the chaining buffer.
        addresses: bytes from the base pointer of the four tiles. They are top left, top right, bottom left, bottom
            right; most feature maps only need the first. Empty if it is in no memory.
        strides: bytes between elements in y, x and depth; negative where it is written backwards. In NHCWB16, the last
            is from brick to brick. Empty if it is in no memory.
        storage: where it is: `TILE2X2` or `TILE3X1` in memory, `CHAINED` inside the NPU between two operations (U85).
            `NONE` is a constant in a register, or nothing that is written.
        scalar: the value of that constant, else None.
        broadcast: which dimensions are repeated, as letters of `HWC`.
        transpose: how the OFM's dimensions are permuted on the way out: `HWC` for not at all, else the order in memory.
        reverse: the dimension `H`, `W` or `C` in which the OFM is written backwards (U85), else `NONE`.
    """

    shape: Shape
    element_bytes: int
    signed: bool
    format: str
    zero_point: int
    region: int
    addresses: tuple[int, ...]
    strides: tuple[int, ...]
    storage: str = "TILE2X2"
    scalar: int | None = None
    broadcast: str = ""
    transpose: str = "HWC"
    reverse: str = "NONE"

    @property
    def elements(self) -> int:
        """How many different elements there are."""
        height, width, depth = self.shape
        return height * width * depth

    @property
    def bytes(self) -> int:
        """The size of its elements together."""
        return self.elements * self.element_bytes

    @property
    def in_memory(self) -> bool:
        """Whether memory is read or written for it."""
        return self.storage in ("TILE2X2", "TILE3X1")


@dataclass(frozen=True)
class Activation:
    """What is done to results before they are written.

    Attributes:
        function: `none`, `clamp`, `tanh`, `sigmoid` or `lut`. A clamp to the full range of the OFM's type is `none`,
            however the program spelled it.
        table: number of the look-up table of a `lut`, else None.
        low, high: the bounds as set, in the OFM's quantised values.
        register_name: the function as the register has it, as in `TABLE_0` or `LUT_S8_S8`.
    """

    function: str
    table: int | None
    low: int
    high: int
    register_name: str


@dataclass(frozen=True)
class Dma:
    """A copy from memory to memory.

    Attributes:
        source: where from; `length_bytes` is one row.
        destination: where to; `length_bytes` is one row.
        rows: how often a row is copied (2D and 3D copies), or how many indices there are.
        indexed: `source` for a gather, `destination` for a scatter (U85), else "".
    """

    source: Span
    destination: Span
    rows: int
    indexed: str

    @property
    def length_bytes(self) -> int:
        """Bytes copied in all."""
        return self.source.length_bytes * self.rows
