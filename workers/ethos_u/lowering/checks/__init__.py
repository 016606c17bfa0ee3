"""A lowered program against the default one and against the float model."""
