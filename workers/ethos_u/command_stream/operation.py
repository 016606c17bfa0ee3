"""One operation of the NPU and what its registers make of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from workers.ethos_u.command_stream.commands import StreamError
from workers.ethos_u.command_stream.features import Activation, Dma, FeatureMap, Kernel, Padding, Shape, Span
from workers.ethos_u.command_stream.registers import registers_by_name
from workers.ethos_u.command_stream.state import RegisterState

_UNARY = {"LRELU", "ABS", "CLZ", "NOT"}
_UNCLAMPED_BITS = 32


class Kind(StrEnum):
    """What an operation is, after the command that starts it."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    POOL = "pool"
    ELEMENTWISE = "elementwise"
    RESIZE = "resize"
    DMA = "dma"


@dataclass(frozen=True)
class Operation:
    """One NPU_OP_* command that computes or copies, with the registers that it runs under.

    Properties are read off `registers` when asked for. They raise StreamError if a register that they need is not set
    or has a value without meaning. Those that make no sense for the kind are None or empty.

    Attributes:
        kind: what it is.
        offset: of its NPU_OP command, in bytes from the first command after the driver's header.
            `workers.ethos_u.command_stream.operator_cost.OperatorCost.stream_offsets` counts likewise.
        parameter: the parameter of that command: its mode.
        registers: every register set so far, by name as in `NPU_SET_IFM_WIDTH0_M1`, also those that this kind ignores.
        kernel_wait: before it starts, at most so many compute operations may still be running; None: no such wait.
        dma_wait: before it starts, at most so many copies may still be running; None: no such wait.
    """

    kind: Kind
    offset: int
    parameter: int
    registers: RegisterState
    kernel_wait: int | None
    dma_wait: int | None

    @property
    def family(self) -> str:
        """`ethos-u55`, `ethos-u65` or `ethos-u85`."""
        return self.registers.family

    @property
    def _u85(self) -> bool:
        return self.family == "ethos-u85"

    @property
    def computes(self) -> bool:
        """Anything but a copy."""
        return self.kind is not Kind.DMA

    @cached_property
    def elementwise_mode(self) -> str | None:
        """As in `ADD`, of an elementwise operation."""
        return self._mode("elementwise_mode") if self.kind is Kind.ELEMENTWISE else None

    @cached_property
    def pooling_mode(self) -> str | None:
        """As in `MAX`, `AVERAGE`, `REDUCE_SUM`, of a pool. U85's `NONE` passes `ifm2` on without looking at `ifm`."""
        return self._mode("pooling_mode") if self.kind is Kind.POOL else None

    @cached_property
    def resize_mode(self) -> str | None:
        """`BILINEAR`, `REPLICATE` or `NEAREST`, of a resize."""
        return self._mode("resize_mode") if self.kind is Kind.RESIZE else None

    @property
    def mode(self) -> str | None:
        """The mode of a pool, elementwise operation or resize."""
        return self.elementwise_mode or self.pooling_mode or self.resize_mode

    @property
    def weights_from_ifm2(self) -> bool:
        """A matrix product: the convolution's weights are `ifm2` (U85)."""
        return self.kind is Kind.CONV and bool(self.parameter & 1)

    @cached_property
    def ofm(self) -> FeatureMap | None:
        """What is written; None for a copy."""
        if not self.computes:
            return None
        get = self.registers
        signed = get.choice("OFM_PRECISION", "activation_type") == "SIGNED"
        storage, transpose, reverse = "TILE2X2", "HWC", "NONE"
        if self._u85:
            storage = get.choice("OFM_PRECISION", "activation_storage")
            transpose = get.choice("OFM_PRECISION", "activation_transpose")
            reverse = get.choice("OFM_PRECISION", "activation_reverse")
        in_memory = storage.startswith("TILE")
        return FeatureMap(
            shape=self.ofm_shape,
            element_bytes=1 << get.number("OFM_PRECISION", "activation_precision"),
            signed=signed,
            format=get.choice("OFM_PRECISION", "activation_format"),
            zero_point=get.signed("OFM_ZERO_POINT", 16) if signed else get.number("OFM_ZERO_POINT"),
            region=get.number("OFM_REGION"),
            addresses=self._addresses("OFM") if in_memory else (),
            strides=self._strides("OFM") if in_memory else (),
            storage=storage,
            transpose=transpose,
            reverse=reverse,
        )

    @cached_property
    def ifm(self) -> FeatureMap | None:
        """What is read; None for a copy. Its size stands in no register: it follows from OFM, kernel and padding."""
        if not self.computes:
            return None
        broadcast = ""
        if self._u85 and self.kind is Kind.ELEMENTWISE:
            broadcast = _u85_broadcast(self.registers.number("IFM_BROADCAST"))
        return self._input("IFM", self._broadcast(self._ifm_shape, broadcast), broadcast)

    @cached_property
    def ifm2(self) -> FeatureMap | None:
        """The second input of a binary elementwise operation.

        On U85 also the initial accumulators, or the weights of a matrix product. These have height 1, the OFM's depth
        as width, and the IFM's depth. Else None.
        """
        if self.kind is Kind.ELEMENTWISE:
            if self.elementwise_mode in _UNARY:
                return None
            broadcast = self._ifm2_broadcast
            return self._input("IFM2", self._broadcast(self.ofm_shape, broadcast), broadcast)
        if self.weights_from_ifm2:
            return self._input("IFM2", (1, self.ofm_shape[2], self._ifm_shape[2]), "")
        if self.accumulator_input == "IFM2":
            return self._input("IFM2", self.ofm_shape, "")
        return None

    @cached_property
    def kernel(self) -> Kernel | None:
        """Of a convolution, depthwise convolution or pool."""
        if self.kind not in (Kind.CONV, Kind.DEPTHWISE, Kind.POOL):
            return None
        number = self.registers.number
        dilation_x = 1 + number("KERNEL_STRIDE", "dilation_x")
        dilation_y = 1 + number("KERNEL_STRIDE", "dilation_y")
        return Kernel(
            width=number("KERNEL_WIDTH_M1") // dilation_x + 1,
            height=number("KERNEL_HEIGHT_M1") // dilation_y + 1,
            stride_x=1 + number("KERNEL_STRIDE", "stride_x_lsb") + 2 * number("KERNEL_STRIDE", "stride_x_msb"),
            stride_y=1 + number("KERNEL_STRIDE", "stride_y_lsb") + 2 * number("KERNEL_STRIDE", "stride_y_msb"),
            dilation_x=dilation_x,
            dilation_y=dilation_y,
        )

    @cached_property
    def padding(self) -> Padding | None:
        """Of an operation with a kernel."""
        if self.kernel is None:
            return None
        return Padding(*(self.registers.number(f"IFM_PAD_{side}") for side in ("TOP", "LEFT", "BOTTOM", "RIGHT")))

    @cached_property
    def upscale(self) -> str | None:
        """`NONE`, or how the IFM is doubled in height and width before the kernel sees it: `NEAREST` or `ZEROS`."""
        return self.registers.choice("IFM_UPSCALE") if self.computes else None

    @cached_property
    def block(self) -> Shape | None:
        """(height, width, depth) in elements of what is computed at a time, before an OFM transpose."""
        return self._shape("OFM_BLK") if self.computes else None

    @cached_property
    def microblock(self) -> tuple[int, int] | None:
        """On U85, (height, width) in elements of what the MACs work on in a cycle.

        Its depth is what is left of the MACs. None elsewhere: the accelerator fixes it.
        """
        if not self.computes or not self._u85:
            return None
        height, width = self.registers.choice("ACC_FORMAT", "microblock")[1:].split("X")
        return int(height), int(width)

    @cached_property
    def accumulator(self) -> str | None:
        """`I32`, `I40` or `F16` on U55 and U65, `I32` or `I48` on U85."""
        return self.registers.choice("ACC_FORMAT") if self.computes else None

    @cached_property
    def accumulator_input(self) -> str | None:
        """What the accumulators start from: `RESET`, or on U85 also `KEEP` (the operation before) or `IFM2`."""
        if not self.computes:
            return None
        return self.registers.choice("ACC_FORMAT", "acc_input") if self._u85 else "RESET"

    @cached_property
    def traversal(self) -> str | None:
        """`DEPTH_FIRST` or `PART_KERNEL_FIRST`, of an operation with a kernel."""
        return None if self.kernel is None else self.registers.choice("KERNEL_STRIDE", "weight_order")

    @cached_property
    def activation(self) -> Activation | None:
        """What is done to results; None for a copy."""
        ofm = self.ofm
        if ofm is None:
            return None
        function = self.registers.choice("ACTIVATION")
        bounds = ("ACTIVATION_MIN", "ACTIVATION_MAX")
        signed, number = self.registers.signed, self.registers.number
        low, high = (signed(name, 16) if ofm.signed else number(name) for name in bounds)
        kind = {"RELU": "clamp", "LUT_NONE": "clamp", "TANH": "tanh", "LUT_TANH": "tanh"}.get(function)
        if kind is None:
            kind = "sigmoid" if function.endswith("SIGMOID") else "lut"
        table = None
        if kind == "lut":
            table = number("ACTIVATION", "table") if self._u85 else int(function.removeprefix("TABLE_"))
        if kind == "clamp" and not self._clamps(ofm, low, high):
            kind = "none"
        return Activation(kind, table, low, high, function)

    @cached_property
    def uses_table(self) -> bool:
        """Whether results go through a look-up table."""
        activation = self.activation
        return activation is not None and activation.function == "lut"

    @property
    def weights(self) -> tuple[Span, ...]:
        """Encoded weights, one span per core that has any; empty without weights or if they come from `ifm2`."""
        if self.kind not in (Kind.CONV, Kind.DEPTHWISE) or self.weights_from_ifm2:
            return ()
        return self._spans("WEIGHT", ("WEIGHT", "WEIGHT1", "WEIGHT2", "WEIGHT3"))

    @property
    def scales(self) -> tuple[Span, ...]:
        """Biases and scales per channel, one span per core with any; empty where one scale serves all channels."""
        if self.kind not in (Kind.CONV, Kind.DEPTHWISE, Kind.POOL) or self.scale_mode != "PER_CHANNEL":
            return ()
        return self._spans("SCALE", ("SCALE", "SCALE1"))

    @cached_property
    def weight_format(self) -> str | None:
        """U85: `SWD` or `FWD` (fast weight decoder), `/SPARSE_2_4` after it if so; of an operation with weights."""
        if not self._u85 or not self.weights:
            return None
        sparsity = self.registers.choice("WEIGHT_FORMAT", "weight_sparsity")
        return self.registers.choice("WEIGHT_FORMAT") + ("" if sparsity == "NONE" else f"/{sparsity}")

    @cached_property
    def scale_mode(self) -> str | None:
        """`PER_CHANNEL` or `GLOBAL`; None for a copy."""
        return self.registers.choice("OFM_PRECISION", "scale_mode") if self.computes else None

    @cached_property
    def ifm_scale_mode(self) -> str | None:
        """U55 and U65: which operand of an addition or subtraction is scaled with 32 bits: `OPA_OPB_16` (neither),
        `OPA_32` or `OPB_32`."""
        if self.kind is not Kind.ELEMENTWISE or self._u85:
            return None
        return self.registers.choice("IFM_PRECISION", "scale_mode")

    @cached_property
    def rounding(self) -> str | None:
        """How the OFM is rounded, as in `DBL`, `TRUNCATE`, `NATURAL` (U55, U65) or `DOUBLE_SYMMETRIC` (U85)."""
        if not self.computes:
            return None
        if not self._u85:
            return self.registers.choice("OFM_PRECISION", "round_mode")
        return self.registers.choice("OFM_SCALE", "round_mode")

    @property
    def blockdep(self) -> int | None:
        """How many blocks of it may start before the compute operation before it has ended; None for a copy."""
        return self.registers.number("BLOCKDEP") if self.computes else None

    @property
    def dma(self) -> Dma | None:
        """What is copied; None for anything but a copy."""
        if self.computes:
            return None
        number = self.registers.number
        length_bytes = number("DMA0_LEN")
        indexed = [
            end
            for end in ("SRC", "DST")
            if self._u85 and self.registers.choice(f"DMA0_{end}_REGION", "idx_mode") == "ENABLED"
        ]
        dimensions = int(self.registers.choice("DMA0_SRC_REGION", "stride_mode")[1:])
        rows = number("DMA0_SIZE0") if dimensions > 1 or indexed else 1
        if dimensions > 2:
            rows *= number("DMA0_SIZE1")
        return Dma(
            source=self._dma_end("SRC", length_bytes),
            destination=self._dma_end("DST", length_bytes),
            rows=rows,
            indexed={"SRC": "source", "DST": "destination"}[indexed[0]] if indexed else "",
        )

    def _dma_end(self, end: str, length_bytes: int) -> Span:
        internal = self.registers.choice(f"DMA0_{end}_REGION", "region_mode") == "INTERNAL"
        region = None if internal else self.registers.number(f"DMA0_{end}_REGION")
        return Span(region, self.registers.number(f"DMA0_{end}"), length_bytes)

    @cached_property
    def ofm_shape(self) -> Shape:
        """(height, width, depth) of the OFM in elements, before its transpose."""
        return self._shape("OFM")

    @property
    def _ifm_shape(self) -> Shape:
        """Before broadcasting."""
        height, width, depth = self.ofm_shape
        number = self.registers.number
        if self.kind is Kind.RESIZE:
            return 1 + number("KERNEL_HEIGHT_M1"), 1 + number("KERNEL_WIDTH_M1"), depth
        kernel, padding = self.kernel, self.padding
        if kernel is not None and padding is not None:
            height = (height - 1) * kernel.stride_y + kernel.dilated_height - padding.top - padding.bottom
            width = (width - 1) * kernel.stride_x + kernel.dilated_width - padding.left - padding.right
            depth = 1 + number("IFM_DEPTH_M1")
        if self.upscale != "NONE":
            height, width = (height + 1) // 2, (width + 1) // 2
        return height, width, depth

    @property
    def _ifm2_broadcast(self) -> str:
        if self._u85:
            return _u85_broadcast(self.registers.number("IFM2_BROADCAST"))
        if self.registers.number("IFM2_BROADCAST", "broadcast_constant"):
            return "HWC"
        return "".join(d for d in "HWC" if self.registers.number("IFM2_BROADCAST", f"broadcast_{d.lower()}"))

    def _input(self, name: str, shape: Shape, broadcast: str) -> FeatureMap:
        get = self.registers
        precision = f"{name}_PRECISION"
        signed = get.choice(precision, "activation_type") == "SIGNED"
        storage, scalar = "TILE2X2", None
        if self._u85:
            storage = get.choice(precision, "activation_storage")
            if storage == "NONE":
                scalar = get.signed("OP_SCALAR", 32)
        elif name == "IFM2" and get.number("IFM2_BROADCAST", "broadcast_constant"):
            storage = "NONE"
            scalar = get.signed("IFM2_SCALAR", 16) if signed else get.number("IFM2_SCALAR")
        in_memory = storage.startswith("TILE")
        return FeatureMap(
            shape=shape,
            element_bytes=1 << get.number(precision, "activation_precision"),
            signed=signed,
            format=get.choice(precision, "activation_format"),
            zero_point=get.signed(f"{name}_ZERO_POINT", 16) if signed else get.number(f"{name}_ZERO_POINT"),
            region=0 if storage == "NONE" else get.number(f"{name}_REGION"),
            addresses=self._addresses(name) if in_memory else (),
            strides=self._strides(name) if in_memory else (),
            storage=storage,
            scalar=scalar,
            broadcast=broadcast,
        )

    def _broadcast(self, shape: Shape, dimensions: str) -> Shape:
        height, width, depth = (1 if d in dimensions else size for d, size in zip("HWC", shape, strict=True))
        return height, width, depth

    def _addresses(self, name: str) -> tuple[int, ...]:
        return tuple(self.registers.number(f"{name}_BASE{tile}") for tile in range(4))

    def _strides(self, name: str) -> tuple[int, ...]:
        return tuple(self.registers.signed(f"{name}_STRIDE_{d}", 40) for d in "YXC")

    def _shape(self, name: str) -> Shape:
        number = self.registers.number
        return 1 + number(f"{name}_HEIGHT_M1"), 1 + number(f"{name}_WIDTH_M1"), 1 + number(f"{name}_DEPTH_M1")

    def _spans(self, region: str, names: tuple[str, ...]) -> tuple[Span, ...]:
        number = self.registers.number
        return tuple(
            Span(number(f"{region}_REGION"), number(f"{name}_BASE"), number(f"{name}_LENGTH"))
            for name in names
            if self.registers.get(f"NPU_SET_{name}_LENGTH")
        )

    def _clamps(self, ofm: FeatureMap, low: int, high: int) -> bool:
        if self._u85 and self.registers.choice("ACTIVATION", "activation_clip_range") == "NONE":
            return False
        bits = 8 * ofm.element_bytes
        if bits >= _UNCLAMPED_BITS:
            # The bounds are 16 bits wide: Vela sets them to their ends for wider results, which are not clamped.
            bits = 16
        least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if ofm.signed else (0, (1 << bits) - 1)
        return low > least or high < most

    def _mode(self, field: str) -> str:
        command = {Kind.POOL: "NPU_OP_POOL", Kind.ELEMENTWISE: "NPU_OP_ELEMENTWISE", Kind.RESIZE: "NPU_OP_RESIZE"}
        names = registers_by_name(self.family)[command[self.kind]].fields[field].names
        if self.parameter not in names:
            raise StreamError(f"{command[self.kind]} at offset {self.offset:#x} has no mode {self.parameter}")
        return names[self.parameter]


def _u85_broadcast(mode: int) -> str:
    """The letters of U85's mode: bits for H, W and C, or 8 for a scalar."""
    return "HWC" if mode & 8 else "".join(d for bit, d in enumerate("HWC") if mode >> bit & 1)
