"""Programs compiled in a process of their own: Vela 5.1.0 crashes on some well-formed ones."""

from __future__ import annotations

import os
import pickle

from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused, compile_tosa


def compiled_apart(tosa: bytes, target: Target) -> Compiled | None:
    """What Vela makes of a program; None if it refuses it or crashes."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(compile_tosa(tosa, target), pipe)
        except VelaRefused:
            pass
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    return pickle.loads(answer) if answer else None  # noqa: S301 (our own child wrote it)
