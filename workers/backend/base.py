"""What a backend makes of a model before any recipe: the program that candidates are compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workers.models.exported.io_layout import IoLayout
from workers.models.exported.operator_list import Operators, structure_of_operators

if TYPE_CHECKING:
    from search_space.ir.structure import Structure
    from workers.backend.cost import Numbers, Row


@dataclass(frozen=True)
class Identified:
    """A model source and what decides how it is lowered.

    Attributes:
        name: the model source, as it was asked for.
        model_hash: identity of the model: its graph, weights, example and own calibration inputs, and their layout in
            memory. For a file, its bytes stand for the first four. Target, seed and `--calibration-data` do not enter.
        io_layout: `nhwc` if inputs of rank 4 lie in memory so, by request or because of the export. Otherwise `nchw`:
            all inputs lie in the order of their dimensions.
        quantisation: how the model is quantised and on what.
        key: identity of the lowered program: the model and all that lowering it depends on.
        versions: of the toolchain, by the names of distributions.
    """

    name: str
    model_hash: str
    io_layout: IoLayout
    quantisation: dict[str, str]
    key: str
    versions: dict[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class Base(Identified, ABC):
    """A model lowered by the stock toolchain.

    Attributes:
        warnings: for the user, one line each.
    """

    warnings: tuple[str, ...] = ()

    @property
    @abstractmethod
    def structure(self) -> Structure:
        """Equal for models that differ in weights, or in weights and sizes, only."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What the program consists of, in a few words, such as `2 delegates, 1 host operators`."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else a person wants to know of it, one line each."""
        return ()

    def warnings_on(self, best: Numbers, rows: Sequence[Row]) -> tuple[str, ...]:
        """What a person must know of the best that a search found.

        Args:
            best: its numbers.
            rows: its operators.

        Returns:
            One line each.
        """
        return ()

    @property
    def cpu_operators(self) -> tuple[str, ...]:
        """Names of the operators that are left on the CPU, in program order."""
        return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class OperatorsBase(Base):
    """A model that is lowered from an exported program, whose operators tell what it consists of.

    Attributes:
        operators: of the exported program, in order, with the shapes of their results.
    """

    operators: Operators

    @cached_property
    def structure(self) -> Structure:
        return structure_of_operators(self.operators)

    @property
    def summary(self) -> str:
        return f"{len(self.operators)} operators"
