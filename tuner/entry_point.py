"""The entry point of the command `velatune`."""

from tuner.interrupted_import import end_if_interrupted


def main() -> None:
    """Import the command line and run it. An interrupt before a command begins ends it with exit status 130."""
    end_if_interrupted()
    from tuner.cli import main as run

    run()
