"""The contract of `plan-moves`."""

from search_space.passes.plan_moves import PlanMoves
from velatune.testing import PassContract
from velatune.testing.random.movements import DETOURS


class TestPlanMoves(PassContract):
    a_pass = PlanMoves()
    operators = DETOURS


class TestPlanMovesByVelaInterior(PassContract):
    a_pass = PlanMoves(by_vela=True, interior=True)
    operators = DETOURS


class TestPlanMovesByVela(PassContract):
    a_pass = PlanMoves(by_vela=True)
    operators = DETOURS


class TestPlanMovesInterior(PassContract):
    a_pass = PlanMoves(interior=True)
    operators = DETOURS
