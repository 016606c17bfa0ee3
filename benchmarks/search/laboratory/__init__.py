"""The replay laboratory: searches run offline, in seconds, on tables that the real evaluator filled once.

A table is a bounded space seen whole: every program that sequences of its elements (passes, some of them for some of
their sites) lead to from a model lowered by each of its choices, what each program costs, and where each element leads
from it. Whoever searches a table searches that space, no more and no less.
"""
