"""Vela 5.1.0's cost formulas, each after the function of its source that it names: what stream cycles were until they
were compared with measurements (docs/objective.md), and what Vela's own rows are explained by."""
