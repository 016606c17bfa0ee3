"""Rewriting a graph: a copy that shares every node, changed in place, then frozen again."""

from __future__ import annotations

from dataclasses import replace

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
        # In program order, as everything here that has an order: equal graphs are rewritten alike, whatever their past.
        self._nodes = {node_id: graph.nodes[node_id] for node_id in graph.order}
        self._outputs = graph.outputs
        self._users: dict[int, list[int]] = {node_id: [] for node_id in self._nodes}
        for node_id, node in self._nodes.items():
            for source in node.inputs:
                self._users[source].append(node_id)
        self._next = graph.next_id
        self._touched: dict[int, None] = {}
        self.changes = 0

    def __getitem__(self, node_id: int) -> Node:
        return self._nodes[node_id]

    def __contains__(self, node_id: int) -> bool:
        return node_id in self._nodes

    def users(self, node_id: int) -> tuple[int, ...]:
        """Ids of the nodes that read the value, one entry per reading operand."""
        return tuple(self._users[node_id])

    def is_output(self, node_id: int) -> bool:
        return node_id in self._outputs

    def used_once(self, node_id: int) -> bool:
        """Read by exactly one operand and not a result of the program."""
        return len(self._users[node_id]) == 1 and not self.is_output(node_id)

    def is_constant(self, node_id: int) -> bool:
        return self._nodes[node_id].op == CONST

    def add(self, node: Node) -> int:
        """A new value computed by `node`; its id."""
        node_id = self._next
        self._next += 1
        self._nodes[node_id] = node
        self._users[node_id] = []
        for source in node.inputs:
            self._users[source].append(node_id)
        self._touch(node_id)
        return node_id

    def redefine(self, node_id: int, node: Node) -> None:
        """Compute the same value by another node."""
        old = self._nodes[node_id]
        for source in old.inputs:
            self._users[source].remove(node_id)
        for source in node.inputs:
            self._users[source].append(node_id)
        self._nodes[node_id] = node
        self._touch(node_id)
        for source in dict.fromkeys(old.inputs):
            self._touched[source] = None
            self._drop_if_dead(source)

    def replace_uses(self, node_id: int, by: int) -> None:
        """Every reader of `node_id`, and the program's results, read `by` instead; both hold the same tensor."""
        for reader in dict.fromkeys(self._users[node_id]):
            node = self._nodes[reader]
            self._nodes[reader] = replace(node, inputs=tuple(by if i == node_id else i for i in node.inputs))
            self._touch(reader)
        self._users[by].extend(self._users[node_id])
        self._users[node_id] = []
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

    def _touch(self, node_id: int) -> None:
        self.changes += 1
        self._touched[node_id] = None

    def _drop_if_dead(self, node_id: int) -> None:
        pending = [node_id]
        while pending:
            dead = pending.pop()
            node = self._nodes.get(dead)
            if node is None or self._users[dead] or node.op == INPUT or self.is_output(dead):
                continue
            del self._nodes[dead], self._users[dead]
            for source in node.inputs:
                self._users[source].remove(dead)
                pending.append(source)
                # What is read once now may be moved where it could not before.
                self._touched[source] = None

    def finish(self) -> Graph:
        """The graph as it is now; the original itself if nothing was changed."""
        if not self.changes:
            return self._original
        return Graph(dict(self._nodes), self._original.inputs, self._outputs, self._next)
