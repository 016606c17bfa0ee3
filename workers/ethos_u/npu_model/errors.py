"""Why a command stream cannot be executed, or must not be."""

from workers.errors import ModelError


class Unmodelled(ModelError):
    """A stream uses a register value, format or mode that the model does not know. It never guesses."""


class Fault(ModelError):
    """A stream does what the hardware does not do, or what leaves its result undefined.

    Examples: an access outside its region, a read of bytes that nobody wrote, an accumulator that overflows.
    """
