import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.programs.lowered import Lowered

from workers.errors import ModelError
from workers.ethos_u.files.pte import delegates_of, read_pte
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

Stock = Callable[[str], Lowered]


def test_reads_the_delegates_that_executorch_wrote(stock: Stock, tmp_path: Path) -> None:
    path = tmp_path / "model.pte"
    path.write_bytes(stock("ethos-u55-128").pte)
    first, second = read_pte(path)
    assert first.method == second.method == "forward"
    for delegate in (first, second):
        assert delegate.blob in path.read_bytes()
        assert list(delegate.blocks) == ["cmd_data", "weight_data", "scratch_size", "inputs", "outputs"]
        assert delegate.command_stream.startswith(b"COP1")
        assert delegate.weights
        assert delegate.scratch_bytes % 16 == 0 < delegate.scratch_bytes
        assert delegate.compile_specs["target"] == b"ethos-u55-128"
    assert first.command_stream != second.command_stream


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_a_delegate_is_the_npu_program_that_vela_made(stock: Stock, accelerator: str) -> None:
    lowered = stock(accelerator)
    target = Target.parse(accelerator)
    for delegate, tosa in zip(delegates_of(lowered.pte, "stock"), lowered.tosa, strict=True):
        compiled = compile_tosa(tosa, target).npu_program
        found = delegate.npu_program
        # The size of region 2 is not in the file: found is what of it is used.
        assert found == replace(compiled, fast_bytes=found.fast_bytes)
        if compiled.fast_bytes is None:
            assert found.fast_bytes is None
        else:
            assert 0 <= compiled.fast_bytes - (found.fast_bytes or 0) < 16


def test_reads_one_delegate_payload_behind_several_delegates() -> None:
    """ExecuTorch stores equal payloads once."""
    import torch
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import to_edge_transform_and_lower

    class Negate(torch.nn.Module):
        def forward(self, numbers: torch.Tensor) -> torch.Tensor:
            return -numbers

    exported = torch.export.export(Negate().eval(), (torch.zeros(1, 4, dtype=torch.int32),))
    edge = to_edge_transform_and_lower(
        {"forward": exported, "again": exported},
        partitioner=[EthosUPartitioner(EthosUCompileSpec("ethos-u85-256"))],
    )
    once, again = delegates_of(bytes(edge.to_executorch().buffer), "two methods")
    assert {once.method, again.method} == {"forward", "again"}
    assert once.blob == again.blob


def test_refuses_a_program_without_ethos_u() -> None:
    import torch
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(torch.nn.ReLU(), (torch.zeros(1, 4),))
    pte = bytes(to_edge_transform_and_lower(exported).to_executorch().buffer)
    with pytest.raises(ModelError, match=r"^host\.pte: no Ethos-U delegate"):
        delegates_of(pte, "host.pte")


@pytest.mark.parametrize("content", [b"", b"ET12", b"PK\3\4" + bytes(100)])
def test_refuses_what_is_no_program(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"^x\.pte: not an ExecuTorch program"):
        delegates_of(content, "x.pte")


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"missing\.pte: cannot be read"):
        read_pte(tmp_path / "missing.pte")


def test_a_file_cut_off_anywhere_is_refused_in_one_line(stock: Stock) -> None:
    pte = stock("ethos-u55-128").pte
    last = max(pte.index(delegate.blob) + len(delegate.blob) for delegate in delegates_of(pte, "stock"))
    for length in range(0, last, 97):
        with pytest.raises(ModelError) as refusal:
            delegates_of(pte[:length], "x.pte")
        assert "\n" not in str(refusal.value)


def test_a_damaged_delegate_is_refused(stock: Stock) -> None:
    pte = stock("ethos-u55-128").pte
    for name in (b"vela_bin_stream", b"cmd_data", b"vela_end_stream"):
        with pytest.raises(ModelError, match=r"^x\.pte: its Ethos-U delegate is damaged"):
            delegates_of(pte.replace(name, b"?" * len(name)), "x.pte")


#: Reads the file that it is given, then once more with all of ExecuTorch.
_READS = """
import sys
from pathlib import Path
from workers.ethos_u.files.pte import delegates_of, deserialised

content = Path(sys.argv[1]).read_bytes()
alone, delegates = deserialised(content, "alone"), delegates_of(content, "alone")
assert "executorch.exir" not in sys.modules and "torch._dynamo" not in sys.modules
import executorch.exir.backend.partitioner
from executorch.exir import schema, to_edge
from executorch.exir._serialize import _deserialize_pte_binary
assert isinstance(alone.program, schema.Program)
assert _deserialize_pte_binary(content).program == alone.program
assert delegates_of(content, "whole") == delegates
"""


def test_reading_leaves_executorch_to_be_imported_whole(stock: Stock, tmp_path: Path) -> None:
    path = tmp_path / "model.pte"
    path.write_bytes(stock("ethos-u55-128").pte)
    read = subprocess.run([sys.executable, "-c", _READS, path], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
