"""The contract of `select-transposes`."""

from search_space.passes.transposes.select_transposes import SelectTransposes
from velatune.testing import PassContract
from velatune.testing.random.movements import DETOURS


class TestSelectTransposes(PassContract):
    a_pass = SelectTransposes()
    operators = DETOURS


class TestSelectTransposesVelaOnlyInterior(PassContract):
    a_pass = SelectTransposes(vela_only=True, interior=True)
    operators = DETOURS


class TestSelectTransposesVelaOnly(PassContract):
    a_pass = SelectTransposes(vela_only=True)
    operators = DETOURS


class TestSelectTransposesInterior(PassContract):
    a_pass = SelectTransposes(interior=True)
    operators = DETOURS
