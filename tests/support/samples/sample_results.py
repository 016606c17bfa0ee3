"""Records for the tests of `results`, and identities with one field changed."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.figures import Figures, OperatorRow
from results.records.identity import NOT_IN_KEY, Identity, Structure, Target

IDENTITY = Identity(
    model_hash="a1" * 32,
    model_name="nets/keyword.py:build",
    target=Target(
        "ethos-u",
        "ethos-u55-128",
        {
            "system_config": "Ethos_U55_High_End_Embedded",
            "memory_mode": "Shared_Sram",
            "vela_config": "sha256 " + "c0" * 32,
        },
    ),
    quantisation={"scheme": "int8 per-channel", "calibrated_on": "its own inputs"},
    versions={
        "torch": "2.13.0",
        "torchao": "0.18.0",
        "executorch": "1.5.1",
        "ethos-u-vela": "5.1.0",
        "tosa-tools": "2026.5.0",
    },
    search_space_version="1",
    objective={"minimised": "cycles by Vela"},
    structure=Structure("0a" * 16, "0b" * 16),
)


def paths(record: object) -> Iterator[tuple[str, ...]]:
    """Every field of a record, and of the records and facts in it."""
    fields = record if isinstance(record, dict) else {one.name: getattr(record, one.name) for one in _fields(record)}
    for name, value in fields.items():
        if dataclasses.is_dataclass(value) or isinstance(value, dict):
            yield from ((name, *path) for path in paths(value))
        else:
            yield (name,)


def _fields(record: object) -> tuple[dataclasses.Field, ...]:
    return dataclasses.fields(record)


KEY_FIELDS = [path for path in paths(IDENTITY) if path[0] not in NOT_IN_KEY]
"""Every field of an identity that is part of its key, as a path; found in the class, so that none can be forgotten."""


def mutated(record: Any, path: tuple[str, ...], value: str) -> Any:
    """The identity, or a part of one, with another value for one field."""
    name, *inner = path
    if isinstance(record, dict):
        return {**record, name: mutated(record[name], tuple(inner), value) if inner else value}
    changed = mutated(getattr(record, name), tuple(inner), value) if inner else value
    return dataclasses.replace(record, **{name: changed})


def figures(cycles: int, **others: object) -> Figures:
    """Figures whose objective is `cycles`."""
    metrics = {
        "stream_cycles": cycles, "conservative_cycles": cycles, "vela_cycles": cycles + 5,
        "compiler_cycles": cycles + 5, "host_cycles": 0, "transposes": 4, "transpose_cycles": cycles // 4,
        "npu_ops": 12, "host_ops": 1, "delegates": 2, "arena_bytes": 70000, "macs": 1_000_000,
    }  # fmt: skip
    changed = {name: others.pop(name) for name in metrics if name in others}
    if "vela_cycles" in changed or "host_cycles" in changed:
        both = metrics | changed
        changed.setdefault("compiler_cycles", both["vela_cycles"] + both["host_cycles"])
    values = {"sram_bytes": 65536, "flash_bytes": 40000, "metrics": metrics | changed}
    return Figures(cycles=cycles, **(values | others))


def evaluation(recipe: str, cycles: int = 100, identity: Identity = IDENTITY, **others: object) -> Evaluation:
    """A verified evaluation; `others` are fields of `Evaluation`."""
    values = {
        "program_hash": f"program of {recipe}", "status": "ok", "figures": figures(cycles), "verified": True,
        "check": {"inputs": [{"kind": "random", "count": 2, "seed": 7}, {"kind": "minimum", "count": 1}]},
        "command_stream_sha256": ("e0" * 32, "f0" * 32), "seconds": 0.25,
    }  # fmt: skip
    return Evaluation(identity_key=identity.key, recipe=recipe, **(values | others))


def failed(recipe: str, status: str, **others: object) -> Evaluation:
    """An evaluation that came to nothing."""
    values = {"figures": None, "verified": False, "reason": f"it {status}", "command_stream_sha256": ()}
    return evaluation(recipe, status=status, **(values | others))


def best(recipe: str = "fuse-transposes", cycles: int = 60, identity: Identity = IDENTITY, **others: object) -> Best:
    """A search's outcome: the default costs 100 cycles."""
    values = {
        "default": evaluation("default", 100, identity, operators=DEFAULT_OPERATORS),
        "best": evaluation(recipe, cycles, identity, operators=BEST_OPERATORS),
        "recipe": recipe, "evaluations": 20, "distinct": 9, "seconds": 3.5, "status": "exhausted", "seed": 7,
    }  # fmt: skip
    return Best(identity=identity, **(values | others))


def as_looked_up(whole: Best) -> Best:
    """A best as a lookup hands it out: nothing of what is only for reports."""

    def lean(one: Evaluation) -> Evaluation:
        return dataclasses.replace(one, operators=(), command_stream_sha256=(), check={})

    return dataclasses.replace(whole, default=lean(whole.default), best=lean(whole.best))


DEFAULT_OPERATORS = (
    OperatorRow(0, "conv_1", "Conv2D", "Conv2D", 50, 50),
    OperatorRow(0, "transpose_1", "Transpose", "Transpose", 40, 40),
    OperatorRow(1, "add_1", "Add", "Add", 10, 10),
)
BEST_OPERATORS = (
    OperatorRow(0, "conv_1", "Conv2D", "Conv2D", 48, 48),
    OperatorRow(0, "moved_1", "Reshape", "MemoryCopy", 2, 2),
    OperatorRow(1, "add_1", "Add", "Add", 10, 10),
)
