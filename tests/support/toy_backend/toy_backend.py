"""A whole backend, as small as one can be: a device that computes elementwise functions one after the other.

A program is a tuple of names of functions. Its cost is their number. Neither TOSA nor Ethos-U is in it.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from search_space.ir.structure import Structure
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.space import pass_instances
from workers.backend.backend import Backend, Metric
from workers.backend.base import Base, Identified
from workers.backend.cost import Cost, Row
from workers.backend.objective import ObjectiveKind
from workers.backend.programs import Programs
from workers.backend.written import Written
from workers.cache.atomic_write import write_whole
from workers.checking.verdict import Verdict
from workers.models.identity.source_content import source_content

FUNCTIONS = {"relu": lambda x: np.maximum(x, 0), "neg": np.negative, "abs": np.abs}
Names = tuple[str, ...]


def digest(program: Names) -> str:
    return sha256(",".join(program).encode()).hexdigest()


@dataclass(frozen=True)
class ToyTarget:
    name: str
    backend: ClassVar[str] = "toy"
    clock_hz: ClassVar[float | None] = None

    @property
    def label(self) -> str:
        return self.name

    @property
    def options(self) -> dict[str, str]:
        return {"--target": self.name}

    def facts(self) -> dict[str, str]:
        return {}


class ToyPass(RecipePass):
    """What rewrites a program of the toy."""

    @abstractmethod
    def applied(self, program: Names) -> Names:
        """The program after it."""


@dataclass(frozen=True)
class ToyMerge(ToyPass):
    """relu(relu(x)) = relu(x), and the same of abs."""

    name: ClassVar[str] = "toy-merge"
    law: ClassVar[str] = "relu and abs are idempotent"

    def applied(self, program: Names) -> Names:
        pairs = zip(program, (None, *program), strict=False)
        return tuple(one for one, before in pairs if one != before or one == "neg")


@dataclass(frozen=True)
class ToyWrong(ToyPass):
    name: ClassVar[str] = "toy-wrong"
    law: ClassVar[str] = "none: it drops the last function"

    def applied(self, program: Names) -> Names:
        return program[:-1]


@dataclass(frozen=True, eq=False, kw_only=True)
class ToyBase(Base):
    program: Names

    @property
    def structure(self) -> Structure:
        return Structure(digest(self.program)[:32], digest(self.program)[:32])

    @property
    def summary(self) -> str:
        return f"{len(self.program)} functions"


class ToyPrograms(Programs[Names]):
    compiler: ClassVar[str] = "toy compiler"

    def __init__(self, job: Any, base: ToyBase) -> None:
        self.name, self.default, self.allowed, self._seed = base.name, base.program, job.allowance.exactness, job.seed

    def program_hash(self, program: Names) -> str:
        return digest(program)[:32]

    def chosen(self, choices: Any) -> Names:
        return self.default

    def passed(self, program: Names, one: Any) -> Names:
        return one.applied(program)

    def passes(self) -> list[RecipePass]:
        return BACKEND.passes(self.allowed)

    def cost(self, program: Names) -> Cost:
        rows = tuple(Row(0, f"{at} {one}", one, one, 10) for at, one in enumerate(program))
        return Cost({"functions": len(program)}, 4, 8 * len(program), (digest(program),), rows)

    def equal(self, program: Names, reference: Names, whole: bool) -> Verdict:
        values = np.random.default_rng(self._seed).normal(size=99)
        found, wanted = values, values
        for one in program:
            found = FUNCTIONS[one](found)
        for one in reference:
            wanted = FUNCTIONS[one](wanted)
        return Verdict(True) if np.array_equal(found, wanted) else Verdict(False, "its outputs differ")

    def described_check(self, exactness: Any, whole: bool) -> dict[str, Any]:
        return {"against": "numpy", "inputs": [{"kind": "random", "count": 1, "seed": self._seed}]}


class Toy(Backend):
    family: ClassVar[str] = "toy"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("functions", "functions computed", "functions that are computed", is_headline=True),
    )
    objectives: ClassVar[dict[str, ObjectiveKind]] = {
        "functions": ObjectiveKind("functions", lambda cost, _: 10 * cost["functions"])
    }
    compiler: ClassVar[str] = "toy compiler"
    example: ClassVar[str] = "toy-1"
    names: ClassVar[str] = "toy-[0-9]"

    def knows(self, name: str) -> bool:
        return name.startswith("toy")

    def target(self, name: str, board: Any) -> ToyTarget:
        return ToyTarget(name)

    def versions(self) -> dict[str, str]:
        return {"toy": "1"}

    def passes(self, allowed: Any) -> list[RecipePass]:
        return pass_instances(ToyPass, allowed)

    def identify(self, job: Any) -> Identified:
        content = source_content(job.source, job.io_layout)
        scheme = {"scheme": "none"}
        return Identified(job.source, content.sha256, content.io_layout, scheme, content.sha256, self.versions())

    def lower(self, job: Any) -> ToyBase:
        nodes = source_content(job.source).loaded.program.graph.nodes
        names = tuple(str(node.target).split(".")[1] for node in nodes if node.op == "call_function")
        return ToyBase(**vars(self.identify(job)), program=names)

    def programs(self, job: Any, base: ToyBase) -> ToyPrograms:
        return ToyPrograms(job, base)

    def write(self, job: Any, recipe: str, identity_key: str, program_hash: str, artifacts: Any, out: Path) -> None:
        write_whole(out, json.dumps([recipe, identity_key, *artifacts]).encode())

    def written(self, file: Path) -> Written:
        recipe, identity, *artifacts = json.loads(file.read_text())
        return Written(recipe, identity, Counter(artifacts), "1 program")


BACKEND = Toy()
