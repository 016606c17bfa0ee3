"""The error for a model, target or file that cannot be used."""

import re


class ModelError(Exception):
    """One line for people: what was wrong, where, what to do."""


class OfAnotherFamily(ModelError):
    """A file is sound, and has nothing in it for the family of targets that was asked."""


class CompilerRefused(Exception):
    """The target's compiler refuses a program, or its output cannot be priced.

    The message is the reason in one line.
    """


class ReferenceFailed(Exception):
    """The right outputs of a program cannot be found out.

    The message is the reason in one line.

    Attributes:
        at: on which of several sets of inputs.
        undefined: the program does there what its language leaves undefined.
    """

    def __init__(self, reason: str, at: int = 0, *, undefined: bool = False) -> None:
        """Say why.

        Args:
            reason: one line.
            at: on which of several sets of inputs, from 0.
            undefined: the program does there what its language leaves undefined.
        """
        super().__init__(reason)
        self.at, self.undefined = at, undefined


#: An operator of ExecuTorch's as it is printed, with its schema.
_OPERATOR = re.compile(
    r"<EdgeOpOverload: ([\w.]+)>: schema = [\w:.]+\(.*?\) -> (?:\([^)]*\)|Tensor(?:\([^)]*\))?(?:\[\])?)"
)


def one_line(error: BaseException) -> str:
    """The first line of an exception's message that says something, cut to a readable length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = lines[0] if lines else ""
    for line in lines:
        if line.startswith("Explanation: "):  # torch.compile's errors begin with a heading that says nothing
            message = line.removeprefix("Explanation: ").rpartition(": got ")[2]
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    text = _OPERATOR.sub(r"\1", printable(text))
    return text if len(text) <= 240 else text[:237] + "..."


def printable(text: str) -> str:
    """What a user's code or a damaged file puts into a message, without control characters for the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
