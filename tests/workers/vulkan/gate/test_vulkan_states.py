"""Nets with a state, which ExecuTorch puts into the delegate and the runtime has no place for."""

import pytest
from support.vulkan_nets import made, programs_of

from benchmarks.vulkan.gate.programs import Counted
from workers.errors import ModelError


def test_a_delegate_that_changes_a_buffer_is_refused_and_not_compared() -> None:
    programs = programs_of(made(Counted, 4, 8))
    judged = programs.executed(programs.default, False, False, True)
    assert not judged.equal and "total: is a buffer that the delegate changes" in judged.reason
    assert not programs.starting_points()
    with pytest.raises(ModelError, match="the check of a Vulkan program has no state"):
        programs.quality(programs.default)
