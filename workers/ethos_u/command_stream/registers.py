"""What commands there are, by their code, and which bits of their parameter mean what.

There is one line per command: its code, its name without `NPU_`, and its fields as `name[high:low]`. The code stands in
the low 16 bits of the first word. Where 0x4000 is set, a second word follows. Bit 0 is the lowest bit of the command's
value. Of a one-word command that is the 16-bit parameter. Of a two-word command it is the second word, with the
parameter above it. `=enumeration` names the enumeration whose value the field is, where it is not called like the
field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

#: Products that share an instruction set.
FAMILIES = ("ethos-u55", "ethos-u65", "ethos-u85")

_COMMON = """
0000 OP_STOP              mask[15:0]
0001 OP_IRQ               mask[15:0]
0003 OP_DEPTHWISE
0005 OP_POOL              pooling_mode[2:0]
0006 OP_ELEMENTWISE       elementwise_mode[5:0]
0010 OP_DMA_START
0013 OP_PMU_MASK          enable[0]
0100 SET_IFM_PAD_TOP      pad[6:0]
0101 SET_IFM_PAD_LEFT     pad[6:0]
0102 SET_IFM_PAD_RIGHT    pad[7:0]
0103 SET_IFM_PAD_BOTTOM   pad[7:0]
0104 SET_IFM_DEPTH_M1     depth_m1[15:0]
0107 SET_IFM_UPSCALE      mode[1:0]=ifm_upscale_mode
0109 SET_IFM_ZERO_POINT   zero_point[15:0]
010a SET_IFM_WIDTH0_M1    width_m1[15:0]
010b SET_IFM_HEIGHT0_M1   height_m1[15:0]
010c SET_IFM_HEIGHT1_M1   height_m1[15:0]
010f SET_IFM_REGION       region[2:0]
0111 SET_OFM_WIDTH_M1     width_m1[15:0]
0112 SET_OFM_HEIGHT_M1    height_m1[15:0]
0113 SET_OFM_DEPTH_M1     depth_m1[15:0]
0118 SET_OFM_ZERO_POINT   zero_point[15:0]
011a SET_OFM_WIDTH0_M1    width_m1[15:0]
011b SET_OFM_HEIGHT0_M1   height_m1[15:0]
011c SET_OFM_HEIGHT1_M1   height_m1[15:0]
011f SET_OFM_REGION       region[2:0]
0120 SET_KERNEL_WIDTH_M1  width_m1[15:0]
0121 SET_KERNEL_HEIGHT_M1 height_m1[15:0]
0122 SET_KERNEL_STRIDE    stride_x_lsb[0] stride_y_lsb[1] weight_order[2] dilation_x[3]=kernel_dilation \
     dilation_y[4]=kernel_dilation decomposition[5]=kernel_decomposition stride_x_msb[6] stride_y_msb[9]
0126 SET_ACTIVATION_MIN   clip_boundary[15:0]
0127 SET_ACTIVATION_MAX   clip_boundary[15:0]
0128 SET_WEIGHT_REGION    region[2:0]
0129 SET_SCALE_REGION     region[2:0]
0132 SET_DMA0_SIZE0       size[15:0]
0133 SET_DMA0_SIZE1       size[15:0]
0189 SET_IFM2_ZERO_POINT  zero_point[15:0]
018a SET_IFM2_WIDTH0_M1   width_m1[15:0]
018b SET_IFM2_HEIGHT0_M1  height_m1[15:0]
018c SET_IFM2_HEIGHT1_M1  height_m1[15:0]
018f SET_IFM2_REGION      region[2:0]
4000 SET_IFM_BASE0        addr[39:0]
4001 SET_IFM_BASE1        addr[39:0]
4002 SET_IFM_BASE2        addr[39:0]
4003 SET_IFM_BASE3        addr[39:0]
4004 SET_IFM_STRIDE_X     addr[39:0]
4005 SET_IFM_STRIDE_Y     addr[39:0]
4006 SET_IFM_STRIDE_C     addr[39:0]
4010 SET_OFM_BASE0        addr[39:0]
4011 SET_OFM_BASE1        addr[39:0]
4012 SET_OFM_BASE2        addr[39:0]
4013 SET_OFM_BASE3        addr[39:0]
4014 SET_OFM_STRIDE_X     addr[39:0]
4015 SET_OFM_STRIDE_Y     addr[39:0]
4016 SET_OFM_STRIDE_C     addr[39:0]
4020 SET_WEIGHT_BASE      addr[39:0]
4021 SET_WEIGHT_LENGTH    length[31:0]
4022 SET_SCALE_BASE       addr[39:0]
4023 SET_SCALE_LENGTH     length[19:0]
4030 SET_DMA0_SRC         addr[39:0]
4031 SET_DMA0_DST         addr[39:0]
4032 SET_DMA0_LEN         addr[39:0]
4080 SET_IFM2_BASE0       addr[39:0]
4081 SET_IFM2_BASE1       addr[39:0]
4082 SET_IFM2_BASE2       addr[39:0]
4083 SET_IFM2_BASE3       addr[39:0]
4084 SET_IFM2_STRIDE_X    addr[39:0]
4085 SET_IFM2_STRIDE_Y    addr[39:0]
4086 SET_IFM2_STRIDE_C    addr[39:0]
4090 SET_WEIGHT1_BASE     addr[39:0]
4091 SET_WEIGHT1_LENGTH   length[31:0]
"""

_U55_U65 = """
0002 OP_CONV
0011 OP_DMA_WAIT          k[0]
0012 OP_KERNEL_WAIT       n[1:0]
0105 SET_IFM_PRECISION    activation_type[0] activation_precision[3:2] activation_format[7:6] \
     scale_mode[9:8]=ifm_scale_mode round_mode[15:14]
010d SET_IFM_IB_END       ib_end[5:0]
0114 SET_OFM_PRECISION    activation_type[0] activation_precision[2:1] activation_format[7:6] \
     scale_mode[8]=ofm_scale_mode round_mode[15:14]
0115 SET_OFM_BLK_WIDTH_M1  width_m1[5:0]
0116 SET_OFM_BLK_HEIGHT_M1 height_m1[4:0]
0117 SET_OFM_BLK_DEPTH_M1  depth_m1[6:0]
0123 SET_PARALLEL_MODE    parallel_mode[0]
0124 SET_ACC_FORMAT       acc_format[1:0]
0125 SET_ACTIVATION       activation_function[4:0] activation_clip_range[14:12]
012d SET_AB_START         ab_start[5:0]
012f SET_BLOCKDEP         blockdep[1:0]
0130 SET_DMA0_SRC_REGION  region[2:0] region_mode[8]=dma_region_mode stride_mode[10:9]=dma_stride_mode
0131 SET_DMA0_DST_REGION  region[2:0] region_mode[8]=dma_region_mode stride_mode[10:9]=dma_stride_mode
0180 SET_IFM2_BROADCAST   broadcast_h[0]=broadcast_mode broadcast_w[1]=broadcast_mode broadcast_c[2]=broadcast_mode \
     operand_order[6]=ifm2_operand_order broadcast_constant[7]=broadcast_mode
0181 SET_IFM2_SCALAR      scalar[15:0]
0185 SET_IFM2_PRECISION   activation_type[0] activation_precision[3:2] activation_format[7:6]
018d SET_IFM2_IB_START    ib_start[5:0]
4024 SET_OFM_SCALE        shift[37:32] scale[31:0]
4025 SET_OPA_SCALE        shift[37:32] scale[31:0]
4026 SET_OPB_SCALE        scale[15:0]
4033 SET_DMA0_SKIP0       addr[39:0]
4034 SET_DMA0_SKIP1       addr[39:0]
4092 SET_SCALE1_BASE      addr[39:0]
4093 SET_SCALE1_LENGTH    length[19:0]
"""

_U85 = """
0002 OP_CONV              weights_ifm2[0]
0007 OP_RESIZE            resize_mode[1:0]
0011 OP_DMA_WAIT          k[1:0]
0012 OP_KERNEL_WAIT       n[0]
0105 SET_IFM_PRECISION    activation_type[0] activation_precision[3:2] activation_format[7:6] \
     activation_storage[15:14]
0108 SET_IFM_BROADCAST    broadcast_mode[3:0]
0114 SET_OFM_PRECISION    activation_type[0] activation_precision[2:1] activation_format[7:6] \
     scale_mode[8]=ofm_scale_mode activation_reverse[10:9] activation_transpose[13:11] activation_storage[15:14]
0115 SET_OFM_BLK_WIDTH_M1  width_m1[6:0]
0116 SET_OFM_BLK_HEIGHT_M1 height_m1[6:0]
0117 SET_OFM_BLK_DEPTH_M1  depth_m1[9:0]
0124 SET_ACC_FORMAT       acc_format[1:0] acc_input[5:4] acc_output[6] microblock[10:8]
0125 SET_ACTIVATION       activation_function[4:0] table[7:5] activation_clip_range[12]
012a SET_RESIZE_X_SCALE_N_M1 resize_x_scale_n_m1[10:0]
012b SET_RESIZE_Y_SCALE_N_M1 resize_y_scale_n_m1[10:0]
012c SET_RESIZE_X_OFFSET  resize_x_offset[11:0]
012d SET_RESIZE_Y_OFFSET  resize_y_offset[11:0]
012e SET_WEIGHT_FORMAT    weight_format[0] weight_sparsity[4]
012f SET_BLOCKDEP         blockdep[2:0]
0130 SET_DMA0_SRC_REGION  region[2:0] region_mode[8]=dma_region_mode stride_mode[10:9]=dma_stride_mode \
     idx_mode[11]=dma_idx_mode
0131 SET_DMA0_DST_REGION  region[2:0] region_mode[8]=dma_region_mode idx_mode[11]=dma_idx_mode
0134 SET_DMA0_IDX_REGION  region[2:0]
0180 SET_IFM2_BROADCAST   broadcast_mode[3:0]
0185 SET_IFM2_PRECISION   activation_type[0] activation_precision[3:2] activation_format[7:6] \
     activation_storage[15:14]
4024 SET_OFM_SCALE        shift[37:32] dbl_rnd[42:38] round_mode[47:45]=round_mode_ofm scale[30:0]
4025 SET_IFM_SCALE        shift[37:32] dbl_rnd[42:38] round_mode[45]=round_mode_ifm scale[30:0]
4026 SET_IFM2_SCALE       shift[37:32] dbl_rnd[42:38] round_mode[45]=round_mode_ifm scale[30:0]
4027 SET_OP_SCALAR        scalar[31:0]
4033 SET_DMA0_SRC_STRIDE0 addr[39:0]
4034 SET_DMA0_SRC_STRIDE1 addr[39:0]
4035 SET_DMA0_DST_STRIDE0 addr[39:0]
4036 SET_DMA0_DST_STRIDE1 addr[39:0]
4037 SET_DMA0_IDX         addr[39:0]
4038 SET_DMA0_IDX_MAX     idx_max[30:0]
4039 SET_DMA0_IDX_SKIP1   addr[39:0]
4092 SET_WEIGHT2_BASE     addr[39:0]
4093 SET_WEIGHT2_LENGTH   length[31:0]
4094 SET_WEIGHT3_BASE     addr[39:0]
4095 SET_WEIGHT3_LENGTH   length[31:0]
4096 SET_RESIZE_X_STEP    one_step_int[35:32] blk_step_int[46:36] one_step_mod[10:0] blk_step_mod[26:16]
4097 SET_RESIZE_Y_STEP    one_step_int[35:32] blk_step_int[46:36] one_step_mod[10:0] blk_step_mod[26:16]
4100 OP_BRANCH            branch_cond[32] branch_target[31:0]
"""

# Names of an enumeration's values, counted from 0; `name=5` sets the count.
_COMMON_ENUMERATIONS = """
activation_format: NHWC NHCWB16
activation_precision: B8 B16 B32 B64
activation_type: UNSIGNED SIGNED
dma_region_mode: EXTERNAL INTERNAL
dma_stride_mode: D1 D2 D3
ifm_upscale_mode: NONE NEAREST ZEROS
kernel_decomposition: D8X8 D4X4
kernel_dilation: NONE X2
ofm_scale_mode: PER_CHANNEL GLOBAL
weight_order: DEPTH_FIRST PART_KERNEL_FIRST
"""

_U55_U65_ENUMERATIONS = """
acc_format: I32 I40 F16
activation_clip_range: OFM_PRECISION FORCE_UINT8=2 FORCE_INT8 FORCE_INT16=5
activation_function: RELU TANH=3 SIGMOID TABLE_0=16 TABLE_1 TABLE_2 TABLE_3 TABLE_4 TABLE_5 TABLE_6 TABLE_7
broadcast_mode: DISABLE ENABLE
elementwise_mode: MUL ADD SUB MIN MAX LRELU ABS CLZ SHR SHL
ifm2_operand_order: ORDER_B ORDER_A
ifm_scale_mode: OPA_OPB_16 OPA_32 OPB_32
parallel_mode: SINGLE_CORE DUAL_CORE_DEPTH
pooling_mode: MAX AVERAGE REDUCE_SUM
round_mode: DBL TRUNCATE NATURAL
"""

_U85_ENUMERATIONS = """
acc_format: I32 I48
acc_input: RESET KEEP IFM2
acc_output: ENABLE DISABLE
activation_clip_range: B16 NONE
activation_function: LUT_NONE LUT_U8_U8 LUT_S8_S8=4 LUT_S8_S16 LUT_S8_S32=7 LUT_S16_S16 LUT_S16_S32 LUT_TANH LUT_SIGMOID
activation_reverse: NONE H W C
activation_storage: TILE2X2 TILE3X1 CHAINED NONE
activation_transpose: HWC WHC HCW WCH CHW=6 CWH
branch_cond: ALWAYS RF_TRUE
broadcast_mode: NONE H W HW C CH CW CWH SCALAR
dma_idx_mode: DISABLED ENABLED
elementwise_mode: MUL ADD SUB MIN MAX LRELU ABS CLZ SHR SHL LSR DIV CMP_EQ=16 CMP_NE CMP_GE CMP_GT \
    AND=33 OR XOR NOT AND_NOT=42
microblock: U1X1 U1X2 U1X4 U2X2 U2X4 U4X4
pooling_mode: MAX AVERAGE REDUCE_SUM SUM NONE MIN ARGMAX_X ARGMAX_Y
resize_mode: BILINEAR REPLICATE NEAREST
round_mode_ifm: DOUBLE_SYMMETRIC NATURAL
round_mode_ofm: DOUBLE_SYMMETRIC NATURAL DOUBLE_ASYMMETRIC SYMMETRIC TRUNCATE_TO_ZERO TRUNCATE_TO_LOWER
weight_format: SWD FWD
weight_sparsity: NONE SPARSE_2_4
"""


@dataclass(frozen=True)
class Field:
    """Some bits of a command's value.

    Attributes:
        name: as in Vela's listing.
        low: the lowest of its bits.
        width_bits: how many they are.
        enumeration: what its values are called like; "" for a number.
        names: the name of each value of the enumeration.
    """

    name: str
    low: int
    width_bits: int
    enumeration: str
    names: Mapping[int, str]

    def of(self, value: int) -> int:
        """These bits of a command's value."""
        return value >> self.low & (1 << self.width_bits) - 1


@dataclass(frozen=True)
class Register:
    """One command: sets a register (`NPU_SET_*`), or does something (`NPU_OP_*`)."""

    name: str
    fields: Mapping[str, Field]


@cache
def registers(family: str) -> Mapping[int, Register]:
    """The commands of one of `FAMILIES`, by code."""
    u85 = family == "ethos-u85"
    enumerations = _enumerations(_COMMON_ENUMERATIONS + (_U85_ENUMERATIONS if u85 else _U55_U65_ENUMERATIONS))
    table: dict[int, Register] = {}
    for line in _lines(_COMMON + (_U85 if u85 else _U55_U65)):
        code, name, *fields = line.split()
        parsed = (_field(text, enumerations) for text in fields)
        table[int(code, 16)] = Register(f"NPU_{name}", {field.name: field for field in parsed})
    return table


@cache
def registers_by_name(family: str) -> Mapping[str, Register]:
    """The commands of one of `FAMILIES`, by name."""
    return {register.name: register for register in registers(family).values()}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _enumerations(text: str) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for line in _lines(text):
        name, _, values = line.partition(":")
        names: dict[int, str] = {}
        number = 0
        for value in values.split():
            called, _, at = value.partition("=")
            number = int(at) if at else number
            names[number] = called
            number += 1
        found[name] = names
    return found


def _field(text: str, enumerations: Mapping[str, Mapping[int, str]]) -> Field:
    match = re.fullmatch(r"(\w+)\[(?:(\d+):)?(\d+)\](?:=(\w+))?", text)
    assert match, text
    name, high, low, enumeration = match.groups()
    called = enumeration or (name if name in enumerations else "")
    width_bits = int(high or low) - int(low) + 1
    return Field(name, int(low), width_bits, called, enumerations[called] if called else {})
