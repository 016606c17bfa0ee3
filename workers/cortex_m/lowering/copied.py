"""Copies of programs for passes to change, which share their weights."""

from __future__ import annotations

import copy

import torch
from torch.export import ExportedProgram


def copied(program: ExportedProgram) -> ExportedProgram:
    """A program with a graph, a signature and tables of constants of its own.

    Passes put other tensors into these tables and write to none. So the tensors themselves are shared: a search keeps
    many programs of one model.
    """
    tensors = (one for table in (program.state_dict, program.constants) for one in table.values())
    return copy.deepcopy(program, {id(one): one for one in tensors if isinstance(one, torch.Tensor)})
