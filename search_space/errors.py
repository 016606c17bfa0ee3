"""What a person is told when a graph, recipe or pass cannot be used."""


class SpaceError(Exception):
    """One line for people: what was wrong, where, what to do."""
