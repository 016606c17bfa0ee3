"""Rewriting of a graph: a copy that shares its nodes, changed in place and then frozen again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_space.ir.graph import CONST, INPUT, Graph, Node
from search_space.ir.target_facts import ANY_TARGET, TargetFacts


class Editor:
    """A graph under change.

    Ids keep their meaning. `redefine` computes an existing value in another way, `add` makes a new value. A pass may
    redefine an id only as the same tensor: same shape, type and content.

    Attributes:
        facts: about the target that the program is for.
        changes: the number of added and redefined nodes.
    """

    def __init__(self, graph: Graph, facts: TargetFacts = ANY_TARGET) -> None:
        """Begin to change a graph.

        Args:
            graph: the graph, which itself stays as it is.
            facts: about the target that the program is for.
        """
        self.facts = facts
        self._original = graph
        # The graph's own until something changes: most passes have no site in most programs.
        self._nodes = graph.nodes
        self._changed: dict[int, Node] | None = None
        self._users: dict[int, tuple[int, ...]] = {}  # of nodes whose readers are others than in the graph
        self._dead: list[int] = []
        self._outputs = graph.outputs
        self._next = graph.next_id
        self._touched: dict[int, None] = {}
        self.changes = 0
        self._undo: list[tuple[dict[int, Any], int, Any]] = []  # what was where, None for nothing, since `keep`
        self.keep()

    def __getitem__(self, node_id: int) -> Node:
        return self._nodes[node_id]

    @property
    def nodes(self) -> Mapping[int, Node]:
        """id -> node, as they are now."""
        return self._nodes

    def __contains__(self, node_id: int) -> bool:
        return node_id in self._nodes

    def users(self, node_id: int) -> tuple[int, ...]:
        """Ids of the nodes that read a value, one entry for each reading operand."""
        changed = self._users.get(node_id)
        return self._original.users[node_id] if changed is None else changed

    def is_output(self, node_id: int) -> bool:
        return node_id in self._outputs

    def used_once(self, node_id: int) -> bool:
        """Whether exactly one operand reads a value, and it is no output of the program."""
        return len(self.users(node_id)) == 1 and not self.is_output(node_id)

    def is_constant(self, node_id: int) -> bool:
        return self._nodes[node_id].op == CONST

    def add(self, node: Node) -> int:
        """Add a node and return its new id."""
        nodes = self._own()
        node_id = self._next
        self._next += 1
        self._set(nodes, node_id, node)
        self._set(self._users, node_id, ())
        self._read(node_id, node.inputs)
        self._touch(node_id)
        return node_id

    def redefine(self, node_id: int, node: Node) -> None:
        """Compute a value in another way. Operands that nothing reads any more are removed.

        Args:
            node_id: id of the value.
            node: the node that computes the same tensor.
        """
        nodes = self._own()
        old = nodes[node_id]
        self._read_no_more(node_id, old.inputs)
        self._read(node_id, node.inputs)
        self._set(nodes, node_id, node)
        self._touch(node_id)
        for source in dict.fromkeys(old.inputs):
            self._touched[source] = None
            self._drop_if_dead(source)

    def replace_uses(self, node_id: int, by: int) -> None:
        """Let every user of a value, and the program's outputs, read another value.

        Args:
            node_id: id of the old value, which is removed.
            by: id of the value that is read instead; both hold the same tensor.
        """
        nodes, readers = self._own(), self.users(node_id)
        for reader in dict.fromkeys(readers):
            node = nodes[reader]
            self._set(nodes, reader, node.reading(tuple([by if i == node_id else i for i in node.inputs])))
            self._touch(reader)
        self._set(self._users, by, self.users(by) + readers)
        self._set(self._users, node_id, ())
        self._outputs = tuple([by if i == node_id else i for i in self._outputs])
        self._touch(by)
        self._drop_if_dead(node_id)

    def keep(self) -> None:
        """Remember the present state for `take_back`."""
        self._undo.clear()
        self._kept = (self._outputs, self._next, len(self._dead), dict(self._touched), self.changes)

    def take_back(self) -> None:
        """Restore the state of the last `keep`."""
        for table, node_id, old in reversed(self._undo):
            if old is None:
                del table[node_id]
            else:
                table[node_id] = old
        self._undo.clear()
        self._outputs, self._next, dead, self._touched, self.changes = self._kept
        del self._dead[dead:]

    @property
    def touched(self) -> tuple[int, ...]:
        """Nodes that were added or redefined since the last `take_touched`, and their former operands."""
        return tuple(self._touched)

    def take_touched(self) -> list[int]:
        """Nodes whose surroundings changed since the last call, of those that still exist.

        They are the added and redefined nodes, their users and their operands.
        """
        near: dict[int, None] = {}
        for node_id in self._touched:
            if node_id in self._nodes:
                near[node_id] = None
                near.update(dict.fromkeys(self.users(node_id)))
                near.update(dict.fromkeys(self._nodes[node_id].inputs))
        self._touched = {}
        return list(near)

    def _own(self) -> dict[int, Node]:
        """Nodes, to be changed."""
        if self._changed is None:
            self._nodes = self._changed = dict(self._nodes)
        return self._changed

    def _set(self, table: dict[int, Any], node_id: int, value: Any) -> None:
        """Make an entry, or take it away: None."""
        self._undo.append((table, node_id, table.get(node_id)))
        if value is None:
            del table[node_id]
        else:
            table[node_id] = value

    def _read(self, reader: int, sources: tuple[int, ...]) -> None:
        for source in sources:
            self._set(self._users, source, (*self.users(source), reader))

    def _read_no_more(self, reader: int, sources: tuple[int, ...]) -> None:
        for source in sources:
            self._set(self._users, source, _without_one(self.users(source), reader))

    def _touch(self, node_id: int) -> None:
        self.changes += 1
        self._touched[node_id] = None

    def _drop_if_dead(self, node_id: int) -> None:
        nodes = self._own()
        pending = [node_id]
        while pending:
            dead = pending.pop()
            node = nodes.get(dead)
            if node is None or self.users(dead) or node.op == INPUT or self.is_output(dead):
                continue
            self._set(nodes, dead, None)
            self._dead.append(dead)
            self._read_no_more(dead, node.inputs)
            for source in node.inputs:
                pending.append(source)
                # What is read once now may be moved where it could not before.
                self._touched[source] = None

    def finish(self) -> Graph:
        """The graph as it is now; the original itself if nothing was changed."""
        if not self.changes:
            return self._original
        readers = self._original.users.after(self._users, self._dead)
        return Graph(dict(self._nodes), self._original.inputs, self._outputs, self._next, readers)


def _without_one(users: tuple[int, ...], node_id: int) -> tuple[int, ...]:
    at = users.index(node_id)
    return users[:at] + users[at + 1 :]
