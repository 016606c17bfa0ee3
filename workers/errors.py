"""What a person is told when a model, target or file cannot be used."""


class ModelError(Exception):
    """One line for people: what was wrong, where, what to do."""
