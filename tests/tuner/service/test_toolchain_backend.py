"""What the service asks of this toolchain."""

import pytest

from tuner.service.backend import Toolchain


@pytest.mark.parametrize(
    ("target", "board", "objective", "refusal"),
    [
        ("ethos-u55-128", {}, None, ""),
        ("ethos-u85-256", {"system_config": "Ethos_U85_SYS_DRAM_Mid", "memory_mode": "Sram_Only"}, "both", ""),
        ("ethos-u56-128", {}, None, "target: "),
        ("cortex-m55", {}, "instructions", ""),
        ("cortex-a53", {}, None, "target: "),
        ("cortex-m55", {"memory_mode": "Sram_Only"}, None, "board.memory_mode: "),
        ("cortex-m55", {}, "stream", "objective: "),
        ("ethos-u55-128", {"vela_config": "/etc/passwd"}, None, "board.vela_config: "),
        ("ethos-u55-128", {}, "fastest", "objective: "),
    ],
)
def test_jobs_that_cannot_be_are_refused_at_once(
    target: str, board: dict[str, str], objective: str | None, refusal: str
) -> None:
    found = Toolchain().refusal(target, board, objective)
    assert found.startswith(refusal) and bool(found) == bool(refusal) and "\n" not in found
