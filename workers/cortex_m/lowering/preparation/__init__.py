"""Changes of an exported model before it is quantised.

Operators that ExecuTorch's quantiser does not know become ones that it knows, of the same values.
"""
