"""The registers as they are when an operation starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import itemgetter

from workers.ethos_u.command_stream.commands import StreamError
from workers.ethos_u.command_stream.registers import registers, registers_by_name

Values = tuple[int | None, ...]


class Layout:
    """The registers of a family in a fixed order, so that a state is one tuple."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.names = tuple(one.name for one in registers(family).values() if one.name.startswith("NPU_SET_"))
        self.position = {name: position for position, name in enumerate(self.names)}
        self.all_but = cache(self._all_but)
        self.only = cache(self._only)
        self.field = cache(self._field)

    def _all_but(self, names: re.Pattern[str]) -> Callable[[Values], Values]:
        return itemgetter(*(at for name, at in self.position.items() if not names.fullmatch(name)))

    def _only(self, names: tuple[str, ...]) -> Callable[[Values], Values]:
        return itemgetter(*(self.position[name] for name in names))

    def _field(self, name: str, field: str) -> tuple[int, int, int, Mapping[int, str]] | None:
        """Position of register NPU_SET_`name`, then of one of its fields, by default the first. Of the field: the
        lowest bit, a mask for it shifted there, and the names of its values. None if there is no such register."""
        position = self.position.get(f"NPU_SET_{name}")
        if position is None:
            return None
        fields = registers_by_name(self.family)[f"NPU_SET_{name}"].fields
        one = fields[field or next(iter(fields))]
        return position, one.low, (1 << one.width_bits) - 1, one.names


class RegisterState(Mapping[str, int]):
    """Name -> value of every register that was set so far; immutable, equal by value, hashable.

    Values are unsigned and as in `Command.value`: 16 bits, or the second word with the parameter above it (an address
    is 40 bits of that).
    """

    __slots__ = ("_layout", "_values")

    def __init__(self, layout: Layout, values: Values) -> None:
        """Hold values; they are not copied.

        Args:
            layout: the registers of a family and their fields.
            values: by position of the register in the layout.
        """
        self._layout = layout
        self._values = values

    @property
    def family(self) -> str:
        """Whose registers they are, as in `ethos-u85`."""
        return self._layout.family

    def __getitem__(self, name: str) -> int:
        value = self._values[self._layout.position[name]]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, position in self._layout.position.items() if self._values[position] is not None)

    def __len__(self) -> int:
        return sum(value is not None for value in self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RegisterState):
            return self.family == other.family and self._values == other._values
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.family, self._values))

    def __repr__(self) -> str:
        return f"RegisterState({self.family}, {dict(self)})"

    def pick(self, without: re.Pattern[str]) -> Values:
        """The values of all registers but those whose names match; the same registers give the same tuple."""
        return self._layout.all_but(without)(self._values)

    def take(self, names: tuple[str, ...]) -> Values:
        """The values of several registers of the family, as in `Command.value`; None where one is not set."""
        return self._layout.only(names)(self._values)

    def number(self, name: str, field: str = "") -> int:
        """A field of register NPU_SET_`name`, by default its first.

        Args:
            name: of the register, without `NPU_SET_`.
            field: name of the field; empty for the first.

        Returns:
            The field's value, unsigned.

        Raises:
            StreamError: nothing set that register yet, or this family has none of that name.
        """
        return self._field(name, field)[0]

    def choice(self, name: str, field: str = "") -> str:
        """The name of the value that an enumeration field has.

        Args:
            name: of the register, without `NPU_SET_`.
            field: name of the field; empty for the first.

        Returns:
            The name.

        Raises:
            StreamError: as `number`, or the value has no name on this family.
        """
        value, names = self._field(name, field)
        if value not in names:
            raise StreamError(f"NPU_SET_{name} is set to {value}, which has no meaning on {self.family}")
        return names[value]

    def signed(self, name: str, bits: int) -> int:
        """A number in two's complement.

        Args:
            name: of the register, without `NPU_SET_`.
            bits: width of the number.

        Returns:
            The number.
        """
        value = self.number(name)
        return value - (1 << bits) if value >> bits - 1 else value

    def _field(self, name: str, field: str) -> tuple[int, Mapping[int, str]]:
        found = self._layout.field(name, field)
        if found is not None:
            position, low, mask, names = found
            value = self._values[position]
            if value is not None:
                return value >> low & mask, names
        raise StreamError(f"an operation of this {self.family} stream needs NPU_SET_{name}, which is not set")
