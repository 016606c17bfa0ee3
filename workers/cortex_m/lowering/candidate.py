"""One candidate: an edge program through ExecuTorch's passes for Cortex-M, with passes of our own in the list."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch.export import ExportedProgram

from workers.cortex_m.target import Target
from workers.errors import ModelError, one_line


@dataclass(frozen=True)
class Insertion:
    """A pass class at a place in ExecuTorch's list.

    Attributes:
        pass_class: what `CortexMPassManager` builds, with `exported_program` or `target_config` if it asks for them.
        before: the name of the upstream pass that it runs before; None runs it last.
    """

    pass_class: type[Any]
    before: str | None


def lower(
    edge: ExportedProgram,
    target: Target,
    insertions: Sequence[Insertion] = (),
    without: Sequence[str] = (),
    explicit_layout: bool = True,
) -> ExportedProgram:
    """The program that runs on the target, in operators of `cortex_m` and portable ones.

    Args:
        edge: the quantised edge program; it is left as it is.
        insertions: passes of our own; those before one upstream pass run in the order in which they are given.
        without: names of upstream passes to leave out.
        explicit_layout: the pipeline with explicit NHWC layouts; else ExecuTorch's default one.

    Raises:
        ModelError: a pass fails, or one that is named is not in ExecuTorch's list.
    """
    from executorch.backends.cortex_m.passes import CortexMPassManager
    from executorch.backends.cortex_m.target_config import CortexMTargetConfig

    manager = CortexMPassManager
    upstream = manager.explicit_layout_pass_list if explicit_layout else manager.legacy_pass_list
    passes = _with_insertions(upstream, insertions, without)
    config = CortexMTargetConfig.from_target_string(target.counted_on)
    try:
        program = copy.deepcopy(edge)
        return manager(program, passes, target_config=config, use_explicit_layout=explicit_layout).transform()
    except Exception as error:  # passes raise whatever the graph makes them raise
        raise ModelError(f"ExecuTorch cannot lower the model for {target.cpu}: {one_line(error)}") from error


def _with_insertions(
    upstream: Sequence[type[Any]], insertions: Sequence[Insertion], without: Sequence[str]
) -> list[type[Any]]:
    names = {one.__name__ for one in upstream}
    for name in (*without, *(one.before for one in insertions if one.before is not None)):
        if name not in names:
            raise ModelError(f"ExecuTorch's pipeline has no pass {name}; it has {', '.join(sorted(names))}")
    passes: list[type[Any]] = []
    placed: set[Insertion] = set()
    for upstream_pass in upstream:
        due = [one for one in insertions if one.before == upstream_pass.__name__ and one not in placed]
        placed.update(due)  # a pass that upstream runs twice has insertions before its first run alone
        passes += [one.pass_class for one in due]
        if upstream_pass.__name__ not in without:
            passes.append(upstream_pass)
    return passes + [one.pass_class for one in insertions if one.before is None]
