"""Which processors there are predictions for."""

import pytest

from workers.cortex_m.target import InstructionSet, Target
from workers.errors import ModelError


@pytest.mark.parametrize(
    ("name", "instruction_set", "counted_on"),
    [
        ("cortex-m55", InstructionSet.MVE, "cortex-m55"),
        ("Cortex-M85 ", InstructionSet.MVE, "cortex-m55"),
        ("cortex-m4", InstructionSet.DSP, "cortex-m4"),
        ("cortex-m7", InstructionSet.DSP, "cortex-m4"),
        ("cortex-m33", InstructionSet.DSP, "cortex-m4"),
    ],
)
def test_a_processor_belongs_to_a_class(name: str, instruction_set: InstructionSet, counted_on: str) -> None:
    target = Target.parse(name)
    assert (target.instruction_set, target.counted_on) == (instruction_set, counted_on)
    assert target.facts()["counted_on"] == counted_on
    assert all(isinstance(value, str) and value for value in target.facts().values())


def test_an_alias_says_where_its_instructions_were_counted() -> None:
    assert Target.parse("cortex-m55").label == "cortex-m55"
    assert "counted on Cortex-M4" in Target.parse("cortex-m7").label


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m23", "ethos-u55-128", ""])
def test_other_processors_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ModelError, match=r"^--target .*no instructions were counted.*cortex-m") as refusal:
        Target.parse(name)
    assert "\n" not in str(refusal.value)
