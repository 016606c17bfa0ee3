"""What authors of passes test them with: small programs, random programs, and the contract that every pass keeps.

    from velatune.testing import PassContract, Program

    class TestCancelNegations(PassContract):
        a_pass = CancelNegations()
        operators = NEGATIONS

The repository's own passes are tested by the same code. It needs Hypothesis, and pytest to run it.
"""

try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError("velatune.testing needs Hypothesis; run: pip install 'velatune[testing]'") from error

from velatune.testing.contract import PassContract, assert_same_program
from velatune.testing.program import Program
from velatune.testing.random.builder import Builder
from velatune.testing.random.graphs import graphs
from velatune.testing.random.kinds import Kind, Operator, on
from velatune.testing.reference_values import all_values, input_sets, outputs

__all__ = [
    "Builder",
    "Kind",
    "Operator",
    "PassContract",
    "Program",
    "all_values",
    "assert_same_program",
    "graphs",
    "input_sets",
    "on",
    "outputs",
]
