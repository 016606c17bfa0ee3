"""Rewriting a graph: a copy that shares every node, changed in place, then frozen again."""

from __future__ import annotations

from search_space.facts import ANY_TARGET, TargetFacts
from search_space.graph import CONST, INPUT, Graph, Node


class Editor:
    """A graph under change.

    Ids keep their meaning: `redefine` gives an existing value another way to be computed, `add` makes a new value. A
    pass may only redefine an id as the very tensor that it was (same shape, type and content).

    facts: about the target that the program is for.
    """

    def __init__(self, graph: Graph, facts: TargetFacts = ANY_TARGET) -> None:
        self.facts = facts
        self._original = graph
        # The graph's own until something changes: most passes have no site in most programs.
        self._nodes, self._users = graph.nodes, graph.users
        self._changed: tuple[dict[int, Node], dict[int, tuple[int, ...]]] | None = None
        self._outputs = graph.outputs
        self._next = graph.next_id
        self._touched: dict[int, None] = {}
        self.changes = 0

    def __getitem__(self, node_id: int) -> Node:
        return self._nodes[node_id]

    def __contains__(self, node_id: int) -> bool:
        return node_id in self._nodes

    def users(self, node_id: int) -> tuple[int, ...]:
        """Ids of the nodes that read the value, one entry per reading operand."""
        return self._users[node_id]

    def is_output(self, node_id: int) -> bool:
        return node_id in self._outputs

    def used_once(self, node_id: int) -> bool:
        """Read by exactly one operand and not a result of the program."""
        return len(self._users[node_id]) == 1 and not self.is_output(node_id)

    def is_constant(self, node_id: int) -> bool:
        return self._nodes[node_id].op == CONST

    def add(self, node: Node) -> int:
        """A new value computed by `node`; its id."""
        nodes, users = self._own()
        node_id = self._next
        self._next += 1
        nodes[node_id] = node
        users[node_id] = ()
        for source in node.inputs:
            users[source] += (node_id,)
        self._touch(node_id)
        return node_id

    def redefine(self, node_id: int, node: Node) -> None:
        """Compute the same value by another node."""
        nodes, users = self._own()
        old = nodes[node_id]
        for source in old.inputs:
            users[source] = _without_one(users[source], node_id)
        for source in node.inputs:
            users[source] += (node_id,)
        nodes[node_id] = node
        self._touch(node_id)
        for source in dict.fromkeys(old.inputs):
            self._touched[source] = None
            self._drop_if_dead(source)

    def replace_uses(self, node_id: int, by: int) -> None:
        """Every reader of `node_id`, and the program's results, read `by` instead; both hold the same tensor."""
        nodes, users = self._own()
        for reader in dict.fromkeys(users[node_id]):
            node = nodes[reader]
            nodes[reader] = node.reading(tuple(by if i == node_id else i for i in node.inputs))
            self._touch(reader)
        users[by] += users[node_id]
        users[node_id] = ()
        self._outputs = tuple(by if i == node_id else i for i in self._outputs)
        self._touch(by)
        self._drop_if_dead(node_id)

    def take_touched(self) -> list[int]:
        """Nodes whose surroundings changed since the last call: what was added or redefined, what reads it, and what it
        reads; those that still exist."""
        near: dict[int, None] = {}
        for node_id in self._touched:
            if node_id in self._nodes:
                near[node_id] = None
                near.update(dict.fromkeys(self._users[node_id]))
                near.update(dict.fromkeys(self._nodes[node_id].inputs))
        self._touched = {}
        return list(near)

    def _own(self) -> tuple[dict[int, Node], dict[int, tuple[int, ...]]]:
        """Nodes and users, to be changed."""
        if self._changed is None:
            self._nodes, self._users = self._changed = dict(self._nodes), dict(self._users)
        return self._changed

    def _touch(self, node_id: int) -> None:
        self.changes += 1
        self._touched[node_id] = None

    def _drop_if_dead(self, node_id: int) -> None:
        nodes, users = self._own()
        pending = [node_id]
        while pending:
            dead = pending.pop()
            node = nodes.get(dead)
            if node is None or users[dead] or node.op == INPUT or self.is_output(dead):
                continue
            del nodes[dead], users[dead]
            for source in node.inputs:
                users[source] = _without_one(users[source], dead)
                pending.append(source)
                # What is read once now may be moved where it could not before.
                self._touched[source] = None

    def finish(self) -> Graph:
        """The graph as it is now; the original itself if nothing was changed."""
        if not self.changes:
            return self._original
        return Graph(dict(self._nodes), self._original.inputs, self._outputs, self._next)


def _without_one(users: tuple[int, ...], node_id: int) -> tuple[int, ...]:
    at = users.index(node_id)
    return users[:at] + users[at + 1 :]
