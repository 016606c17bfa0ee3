"""The error for a results store that cannot be used."""


class StoreError(Exception):
    """One line for people: what was wrong, where, what to do."""
