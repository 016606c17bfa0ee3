"""Random PyTorch modules, written as people write them.

They are tuned by velatune and lowered by stock ExecuTorch side by side.

    make model-fuzz MODELS=500

Every model is a Python file that follows from a seed. What velatune does otherwise than it says is a finding, and the
file is kept.
"""
