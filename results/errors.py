"""What a person is told when the results store cannot be used."""


class StoreError(Exception):
    """One line for people: what was wrong, where, what to do."""
