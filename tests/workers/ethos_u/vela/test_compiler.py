import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs.lowered import Lowered

from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused, compile_tosa

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]
Stock = Callable[[str], Lowered]


def program(operator: str, attribute: str, *arguments: object, inputs: int = 1) -> bytes:
    """One TOSA operator on int8 tensors of shape [1, 4, 5, 8], with an output of shape [1, 5, 4, 8]."""
    import tosa_serializer as ts

    serializer = ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)
    block = serializer.currRegion.currBasicBlock
    names = [f"input{number}" for number in range(inputs)]
    for name in names:
        serializer.addInputTensor(ts.TosaSerializerTensor(name, [1, 4, 5, 8], ts.DType.INT8))
    block.addTensor("output", [1, 5, 4, 8] if operator == "TRANSPOSE" else [1, 4, 5, 8], ts.DType.INT8)
    attributes = ts.TosaSerializerAttribute()
    getattr(attributes, attribute)(*arguments)
    serializer.addOperator(getattr(ts.Op, operator), names, ["output"], attributes)
    serializer.addOutputTensor(block.tensors["output"])
    return bytes(serializer.serialize())


def transpose() -> bytes:
    return program("TRANSPOSE", "TransposeAttribute", [0, 2, 1, 3])


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("operators", [True, False])
def test_streams_are_byte_for_byte_what_executorch_writes(stock: Stock, accelerator: str, operators: bool) -> None:
    lowered = stock(accelerator)
    delegates = delegates_of(lowered.pte, "stock")
    assert len(delegates) == len(lowered.tosa) == (1 if "u85" in accelerator else 2)
    for tosa, delegate in zip(lowered.tosa, delegates, strict=True):
        compiled = compile_tosa(tosa, Target.parse(accelerator), operators=operators)
        assert compiled.command_stream == delegate.command_stream
        assert compiled.weights == delegate.weights
        assert compiled.scratch_bytes == delegate.scratch_bytes
        assert bool(compiled.operators) == operators


@pytest.mark.parametrize(
    "target",
    [
        Target.parse("ethos-u55-128"),
        Target.parse("ethos-u55-64", "Ethos_U55_Deep_Embedded", "Sram_Only"),
        Target.parse("ethos-u65-256"),
        Target.parse("ethos-u65-512", "Ethos_U65_Embedded", "Shared_Sram"),
        Target.parse("ethos-u85-256"),
        Target.parse("ethos-u85-512", "Ethos_U85_SYS_DRAM_High", "Dedicated_Sram_256KB"),
    ],
    ids=lambda target: target.label,
)
def test_figures_are_those_of_vela_s_summary(stock: Stock, target: Target, tmp_path: Path) -> None:
    from executorch.backends.arm.arm_vela import vela_compile
    from executorch.backends.arm.ethosu import EthosUCompileSpec

    tosa = stock("ethos-u55-128").tosa[0]
    compiled = compile_tosa(tosa, target)
    flags = EthosUCompileSpec(target.accelerator, target.system_config, target.memory_mode).compiler_flags
    blob = vela_compile(tosa, flags, intermediate_path=str(tmp_path)).processed_bytes
    assert compiled.command_stream in blob
    assert compiled.weights in blob
    (summary,) = (tmp_path / "output").glob("out_summary_*.csv")
    (row,) = csv.DictReader(summary.open())
    assert compiled.vela_cycles == float(row["cycles_total"])
    assert compiled.macs == float(row["nn_macs"])
    assert compiled.npu_ops + compiled.cpu_ops == float(row["passes_before_fusing"])
    assert compiled.sram_bytes == float(row["sram_memory_used"]) * 1024
    assert compiled.flash_bytes == len(compiled.command_stream) + len(compiled.weights)
    if "off_chip_flash_memory_used" in row and "Shared_Sram" in target.memory_mode:
        assert len(compiled.weights) == float(row["off_chip_flash_memory_used"]) * 1024


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_rows_add_up_and_lead_back_to_the_program(stock: Stock, accelerator: str) -> None:
    from tosa.Op import Op
    from tosa.TosaGraph import TosaGraph

    for tosa in stock(accelerator).tosa:
        compiled = compile_tosa(tosa, Target.parse(accelerator))
        assert sum(row.cycles for row in compiled.operators) == compiled.vela_cycles
        assert sum(row.macs for row in compiled.operators) == compiled.macs
        assert sum(not row.fused for row in compiled.operators) == compiled.npu_ops
        starts = [offset for row in compiled.operators for offset in row.stream_offsets]
        assert starts == sorted(starts)
        assert all(row.stream_offsets for row in compiled.operators if not row.fused)
        block = TosaGraph.GetRootAs(tosa, 0).Regions(0).Blocks(0)
        spelling = {getattr(Op, name): name.replace("_", "") for name in vars(Op) if name.isupper()}
        for row in compiled.operators:
            operator = spelling[block.Operators(row.source_index).Op()]
            assert operator.startswith(row.source_op.upper())


def test_counts_transposes() -> None:
    for accelerator in ACCELERATORS:
        compiled = compile_tosa(transpose(), Target.parse(accelerator))
        assert compiled.transposes == 1
        assert compiled.transpose_cycles == compiled.vela_cycles > 0
        assert compiled.operators[0].source_op == "Transpose"
        assert compiled.operators[0].name == "output"


def test_a_target_on_the_users_own_ini_counts(tmp_path: Path) -> None:
    slow = tmp_path / "slow.ini"
    text = Target.parse("ethos-u55-128").config_text()
    slow.write_text(text.replace("Sram_clock_scale=1.0", "Sram_clock_scale=0.01"))

    def cost(target: Target) -> Compiled:
        return compile_tosa(transpose(), target)

    fast = cost(Target.parse("ethos-u55-128"))
    assert cost(Target.parse("ethos-u55-128", vela_config=str(slow))).vela_cycles > 10 * fast.vela_cycles


@pytest.mark.parametrize(
    ("tosa", "said"),
    [
        (b"", "Failed to load TOSA model"),
        (b"not a program at all", "Failed to load TOSA model"),
        (transpose()[:-64], "Failed to load TOSA model"),
    ],
)
def test_refuses_what_is_no_program(tosa: bytes, said: str) -> None:
    with pytest.raises(VelaRefused, match=said):
        compile_tosa(tosa, Target.parse("ethos-u55-128"))


def test_refuses_an_operator_type_with_vela_s_reason_in_one_line() -> None:
    import tosa_serializer as ts

    maximum = program("MAXIMUM", "MaximumAttribute", ts.NanPropagationMode.PROPAGATE, inputs=2)
    for accelerator in ACCELERATORS:
        with pytest.raises(VelaRefused, match=r"Maximum:.*data type not supported") as refusal:
            compile_tosa(maximum, Target.parse(accelerator))
        assert "\n" not in str(refusal.value)


def test_prints_nothing(capfd: pytest.CaptureFixture[str], stock: Stock) -> None:
    tosa = stock("ethos-u85-256").tosa[0]
    capfd.readouterr()
    compile_tosa(tosa, Target.parse("ethos-u85-1024"))
    assert capfd.readouterr() == ("", "")
