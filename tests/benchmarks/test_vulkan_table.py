"""The quality of files in the table of small models for Vulkan."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.vulkan import models
from benchmarks.vulkan.on_runner import quality_on

#: Finds the inputs among those that it knows, and gives the outputs that belong to them.
RUNNER = """
for one in "$@"; do case $one in --inputs=*) in=${one#*=};; --output_file=*) out=${one#*=};; esac; done
for known in FOLDER/*.in; do cmp -s $in $known && cp ${known%.in}.out $out-0.bin && exit 0; done
exit 1
"""


def test_a_runner_s_outputs_are_compared_with_the_float_model_on_all_inputs_of_the_check(tmp_path: Path) -> None:
    """Outputs that are 3 % too large are 30.5 dB away."""
    net, _, inputs = models.mlp()
    for number, sample in enumerate(inputs):
        with torch.no_grad():
            outputs = net(*sample) * 1.03
        (tmp_path / f"{number}.in").write_bytes(sample[0].numpy().tobytes())
        (tmp_path / f"{number}.out").write_bytes(outputs.numpy().tobytes())
    (tmp_path / "runner.sh").write_text(RUNNER.replace("FOLDER", str(tmp_path)))
    (tmp_path / "net.pte").write_bytes(b"")
    assert quality_on(f"sh {tmp_path / 'runner.sh'}", "mlp", tmp_path / "net.pte") == pytest.approx(30.46, abs=0.01)
