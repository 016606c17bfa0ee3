"""Where in a lowering pipeline a pass belongs."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """Stages of the richest seed recipe, in the order in which they run.

    CANONICALISE: bring equal programs into one form.

    PROPAGATE_LAYOUTS: move transposes and reshapes through operators until they cancel.

    SELECT_OPERATORS: express an operator by others that the target does faster.

    ASSIGN_LAYOUTS: choose the order of channels and the shapes of values.

    DECOMPOSE: split an operator that the target does not have, or does slowly.

    PEEPHOLE: improve small groups of operators, once the remaining layout transforms are written out.

    LEGALISE: work around what the compiler gets wrong. No pass after it may undo that.
    """

    CANONICALISE = "canonicalise"
    PROPAGATE_LAYOUTS = "propagate layouts"
    SELECT_OPERATORS = "select operators"
    ASSIGN_LAYOUTS = "assign layouts"
    DECOMPOSE = "decompose"
    PEEPHOLE = "peephole"
    LEGALISE = "legalise"
