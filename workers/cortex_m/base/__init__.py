"""What all candidates of a model are lowered from, and what ExecuTorch's default pipeline makes of it."""
