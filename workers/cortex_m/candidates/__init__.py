"""The programs that recipes make of one model.

Also where a search begins, and how near a program is to the float model.
"""
