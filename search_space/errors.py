"""The error for graphs, recipes and passes that cannot be used."""


class SpaceError(Exception):
    """One line for people: what was wrong, where, what to do."""
