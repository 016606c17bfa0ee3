"""Where the command `velatune` begins: an interrupt while the rest is imported ends it in one line, too."""

import os


def main() -> None:
    """Import the command line and run it.

    On a busy machine the import takes seconds. Interrupted, the exit status is 130, as of `tuner.cli.main`.
    """
    try:
        from tuner.cli import main as run
    except KeyboardInterrupt:
        os.write(2, b"interrupted; nothing had begun\n")
        os._exit(130)
    run()
