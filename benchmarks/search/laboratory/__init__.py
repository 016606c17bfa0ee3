"""The replay laboratory: searches run offline, in seconds, on tables that the real evaluator filled once.

A table is a bounded space seen whole. It starts from a model lowered by each of its choices. It has every program that
sequences of its elements lead to. Elements are passes, some of them for some of their sites. For each program it has
the cost, and where each element leads from it. Whoever searches a table searches that space, no more and no less.
"""
