"""Sums of TensorFlow Lite, whose operands are rounded twice, against the kernel written by hand."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.streams.tflite_addition import Addition

from workers.ethos_u.files.run_tflite import TfliteProgram
from workers.ethos_u.npu_model.operations.elementwise import u55, u85
from workers.ethos_u.npu_model.operations.rounding import scaled
from workers.ethos_u.target import Target
from workers.output_capture import captured

SHAPE = (1, 16, 16, 256)

#: With the first two, rounding operands once gives another sum for some pair of values. The larger scale is the second
#: operand's, then the first one's.
ADDITIONS = (
    Addition("int8", (0.04445542, 0.06091965, 0.09871927), (-82, -19, -75)),
    Addition("int8", (0.039158795, 0.035101317, 0.05366299), (-81, -24, -34)),
    Addition("int8", (0.05, 0.05, 0.07), (3, -7, 11)),
    Addition("int16", (0.0003, 0.0007, 0.0009)),
)


def operands(dtype: str) -> list[np.ndarray]:
    """All pairs of 8-bit numbers; of 16-bit ones random pairs with the ends of the range among them."""
    if dtype == "int8":
        return [one.astype(np.int8).reshape(SHAPE) for one in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))]
    random = np.random.default_rng(4)
    wide = [random.integers(-32768, 32768, SHAPE) for _ in range(2)]
    ends = [np.where(random.random(SHAPE) < 0.1, random.choice([-32768, 32767], SHAPE), one) for one in wide]
    return [one.astype(np.int16) for one in ends]


def compiled(addition: Addition, accelerator: str, folder: Path) -> Path:
    from ethosu.vela import vela

    target = Target.parse(accelerator)
    addition.write(folder / "add.tflite", SHAPE)
    with captured():
        vela.main([
            str(folder / "add.tflite"), f"--accelerator-config={accelerator}", f"--config={target.vela_config}",
            f"--system-config={target.system_config}", f"--memory-mode={target.memory_mode}",
            f"--output-dir={folder}",
        ])  # fmt: skip
    return folder / "add_vela.tflite"


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
@pytest.mark.parametrize("addition", ADDITIONS, ids=str)
def test_sums_are_those_of_the_kernel(addition: Addition, accelerator: str, tmp_path: Path) -> None:
    given = operands(addition.dtype)
    (found,) = TfliteProgram(compiled(addition, accelerator, tmp_path)).run(given)
    np.testing.assert_array_equal(found, addition.of(*given))


@pytest.mark.parametrize(("accelerator", "family"), [("ethos-u55-128", u55), ("ethos-u85-256", u85)])
@pytest.mark.parametrize("addition", ADDITIONS[:2], ids=str)
def test_rounding_operands_once_would_show(
    addition: Addition, accelerator: str, family: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        family, "scaled", lambda values, scale, shift, mode, ahead=0: scaled(values, scale, shift, mode)
    )
    given = operands(addition.dtype)
    (found,) = TfliteProgram(compiled(addition, accelerator, tmp_path)).run(given)
    assert (found != addition.of(*given)).any()
