"""Two evaluations side by side: figures, recipes, operators; as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from results.records.compare import Gain
from results.records.compare_operators import Pair, pair_operators
from results.records.evaluation import Evaluation
from results.records.families import family_of, metrics_of, unit_of
from results.records.figures import Figures, OperatorRow
from results.records.identity import Identity
from results.records.recipe_text import side_by_side
from results.reports.markdown import aligned, in_a_cell
from results.reports.prediction_error import WITHIN, error_for


@dataclass(frozen=True)
class Side:
    """One of two things that are compared: an evaluation with its operators."""

    identity: Identity
    evaluation: Evaluation

    @property
    def figures(self) -> Figures:
        """Raises ValueError if it has none; what is verified has."""
        if self.evaluation.figures is None:
            raise ValueError(f"{self.evaluation.recipe} has no figures")
        return self.evaluation.figures


@dataclass(frozen=True)
class Comparison:
    """A against B. Operators are compared by name, so that models that are not the same have little in common."""

    a: Side
    b: Side

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """In what besides the recipe the two differ: name, of A, of B."""
        a, b = self.a.identity, self.b.identity
        named = [] if a.model_name == b.model_name else [("model_name", a.model_name, b.model_name)]
        return [*named, *a.differences(b)]

    @property
    def operators(self) -> list[Pair]:
        """Rows of both in program order."""
        return pair_operators(self.a.evaluation.operators, self.b.evaluation.operators)

    def to_json(self) -> dict[str, Any]:
        """What `velatune compare --json` prints."""
        return {
            **{name: _side_json(side) for name, side in (("a", self.a), ("b", self.b))},
            "differences": [{"name": name, "a": a, "b": b} for name, a, b in self.differences],
            "recipes": [{"a": s.a, "b": s.b} for s in side_by_side(self.a.evaluation.recipe, self.b.evaluation.recipe)],
            "operators": [
                {
                    "delegate": pair.delegate,
                    "name": pair.name,
                    **{
                        name: row and {key: getattr(row, key) for key in _ROW}
                        for name, row in (("a", pair.default), ("b", pair.best))
                    },
                }
                for pair in self.operators
            ],
        }

    def to_text(self) -> str:
        """Three Markdown tables: figures, recipes, and the operators that do not cost the same in both."""
        return "\n\n".join(filter(None, map("\n".join, (self._figures(), self._recipes(), self._operators()))))

    def _figures(self) -> Iterator[str]:
        lines = [("", "A", "B", "B against A")]
        sides = self.a.figures, self.b.figures
        metrics = metrics_of(self.a.identity.target.family, sides)
        unit = self._unit
        titles = {one.name: one.title for one in metrics}
        if all(family_of(side.identity.target.family).has_ratio for side in (self.a, self.b)):
            titles = {"cycles": unit, **titles}
        for name, title in {**titles, "sram_bytes": "SRAM, bytes", "flash_bytes": "flash, bytes"}.items():
            a, b = (one.get(name) for one in sides)
            lines.append((title, _number(a), _number(b), _change(a, b) if a is not None and b is not None else ""))
        for name, of_a, of_b in self.differences:
            lines.append((name, in_a_cell(str(of_a)), in_a_cell(str(of_b)), ""))
        yield aligned(lines, {"A", "B", "B against A"})
        labels = dict.fromkeys((self.a.figures.label, self.b.figures.label))
        yield ""
        yield f"All {unit} are {' or '.join(labels)}."
        yield from self._errors()

    @property
    def _unit(self) -> str:
        """What both sides count."""
        return unit_of(side.identity.target.family for side in (self.a, self.b))

    def _errors(self) -> Iterator[str]:
        """How far predictions are off, and whether that is more than the difference."""
        errors = [error_for(side.identity, (), side.evaluation.operators) for side in (self.a, self.b)]
        for name, error in zip("AB", errors, strict=True):
            if error is not None:
                yield f"Predictions like {name}'s are off by {error.on_basis}."
        gain = Gain(*sorted((self.a.figures.cycles, self.b.figures.cycles), reverse=True))
        alike = {error_for(side.identity) for side in (self.a, self.b)}
        if len(alike) == 1 and all(error is not None and error.covers(gain) for error in alike):
            yield f"The difference is {WITHIN}."

    def _recipes(self) -> Iterator[str]:
        steps = side_by_side(self.a.evaluation.recipe, self.b.evaluation.recipe)
        yield "The same recipe." if all(step.a == step.b for step in steps) else "From A's recipe to B's:"
        yield from (f"    {step}" for step in steps)

    def _operators(self) -> Iterator[str]:
        changed = [pair for pair in self.operators if _costs(pair.default) != _costs(pair.best)]
        if not changed:
            yield "Every operator costs the same."
            return
        by, unit = family_of(self.a.identity.target.family).compiler, self._unit
        counted = f"{unit} A", f"{unit} B", "B against A"
        headings = ("operator", "source", "runs as", *counted, f"by {by} A", f"by {by} B")
        lines: list[tuple[str, ...]] = [headings]
        for pair in sorted(changed, key=lambda one: (-abs(one.saved), one.position)):
            cycles, by_vela = zip(_costs(pair.default), _costs(pair.best), strict=True)
            kinds = in_a_cell(pair.name), pair.source_op, pair.target_op
            lines.append((*kinds, *map(_number, cycles), f"{-pair.saved:+,}", *map(_number, by_vela)))
        yield aligned(lines, set(headings[3:]))
        same = len(self.operators) - len(changed)
        if same:
            yield ""
            yield f"{same:,} operators cost the same in both."


_ROW = ("source_op", "target_op", "cycles", "compiler_cycles")


def _costs(row: OperatorRow | None) -> tuple[int | None, int | None]:
    """Cycles, and the compiler's estimate; None of an operator that is not there."""
    return (None, None) if row is None else (row.cycles, row.compiler_cycles)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _change(a: int, b: int) -> str:
    if a == b:
        return "same"
    return f"{100 * (b - a) / a:+.1f} %" if a else f"{b - a:+,}"


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "identity": side.identity.key,
        "model": side.identity.model_name,
        "target": side.identity.target.name,
        "recipe": side.evaluation.recipe,
        "verified": side.evaluation.verified,
        "figures": side.figures.to_json(),
    }
