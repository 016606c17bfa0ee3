"""What several test files share."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
REPOSITORY = TESTS.parent
"""Both are on the path of a process that imports this package and the repository's own."""
