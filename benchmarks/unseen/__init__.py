"""Nets that nothing in this repository was developed on, each after a public paper, at small sizes.

    velatune tune benchmarks/unseen/images.py:densenet --target ethos-u55-128
    make unseen

They answer what a search gains on a net that it has not seen. If a pass or a choice is made for one of them, that net
must leave this folder.
"""
