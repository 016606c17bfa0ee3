"""A quantised .pt2 file is read by a process without ExecuTorch, whatever operators its quantiser left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from executorch.backends.arm.ethosu import EthosUCompileSpec
from executorch.backends.arm.quantizer import EthosUQuantizer, get_symmetric_quantization_config
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from workers.models.file_checks.pt2_check import operators_called


class Text(nn.Module):
    """int64 ids: ExecuTorch's quantiser puts a cast of its own behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(8, 4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.table(ids))


def test_a_quantised_file_with_operators_of_executorch(tmp_path: Path) -> None:
    example = (torch.randint(0, 8, (1, 6)),)
    quantiser = EthosUQuantizer(EthosUCompileSpec("ethos-u85-256"))
    quantiser.set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(torch.export.export(Text().eval(), example).module(check_guards=False), quantiser)
    prepared(*example)
    path = tmp_path / "text.pt2"
    torch.export.save(torch.export.export(convert_pt2e(prepared), example), path)
    assert "torch.ops.dim_order_ops._to_dim_order_copy.default" in operators_called(path.read_bytes())
    script = f"from workers.models.model_source import export, resolve; export(resolve({str(path)!r}))"
    reported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ.copy())
    assert reported.returncode == 0, reported.stderr
