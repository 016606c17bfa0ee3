"""Vela 5.1.0's cost formulas, each after the function of its source that it names. Stream cycles were these until they
were compared with measurements (docs/objective.md). They explain Vela's own rows."""
