"""Print the attributes of the nodes of a graph, by operator: `python -m benchmarks.lowering.attribute_table`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from benchmarks.markdown import row
from search_space.ir import schema
from search_space.ir.graph import MOVE

#: What an attribute's value is, by kind of field.
_VALUES = {
    "int": "int",
    "bool": "bool",
    "ints": "tuple of ints",
    "bytes": "bytes",
    "dtype": "str, an element type",
    **{kind: " or ".join(f'`"{name}"`' for name in names[1:]) for kind, names in schema.ENUMS.items() if names},
}

#: Written in the file as operators of their own; in a graph they are steps of a MOVE.
_MOVED = ("TRANSPOSE", "RESHAPE")


def attribute_table() -> Iterator[str]:
    """The lines of a Markdown table."""
    yield from row("operator", "attributes", header=True)
    for operator in sorted({*schema.ATTRIBUTES, *schema.SHAPE_OPERANDS} - {*schema.REFUSED, *_MOVED}):
        described = [f"`{one.name}`: {_VALUES[one.kind]}" for one in schema.ATTRIBUTES.get(operator, ())]
        shapes = schema.SHAPE_OPERANDS.get(operator, {})
        described += [f"`{name}`: {_VALUES['ints']}" for _, name in sorted(shapes.items())]
        yield from row(f"`{operator}`", "; ".join(described))
    yield from row(f"`{MOVE}`", "`steps`: tuple of `Step`; `map`: `LayoutMap`")


if __name__ == "__main__":
    click.echo("\n".join(attribute_table()))
