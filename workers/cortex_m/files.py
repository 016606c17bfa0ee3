"""A `.pte` for Cortex-M with a file of facts beside it: the `.pte` itself does not say what it was lowered for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from search_space.recipe.recipe import Recipe
from workers.backend.job import Job
from workers.backend.written import Written
from workers.cache.atomic_write import write_whole
from workers.cortex_m.guards import file_class
from workers.cortex_m.programs import CortexMPrograms
from workers.cortex_m.target import Target
from workers.errors import ModelError


def facts_file(file: Path) -> Path:
    """The file of facts beside a `.pte`."""
    return file.with_name(f"{file.name}.json")


def write(
    programs: CortexMPrograms, job: Job[Target], recipe: str, identity_key: str, expected: Sequence[str], out: Path
) -> None:
    """Write the `.pte` of a recipe, and its facts.

    Args:
        programs: of the job's model.
        job: the model and the target.
        recipe: to lower by.
        identity_key: what its evaluation is stored under.
        out: the `.pte`; the facts go beside it.
        expected: SHA-256 of the file that was evaluated.

    Raises:
        ModelError: the file comes out as another one, or cannot be written.
    """
    content = programs.file(programs.by(Recipe.parse(recipe))).content
    digest = hashlib.sha256(content).hexdigest()
    if [digest] != list(expected):
        raise ModelError(f"{job.source}: the lowered program is not the one that was evaluated")
    facts = {"recipe": recipe, "identity": identity_key, "sha256": digest, "target": job.target.facts()}
    try:
        write_whole(facts_file(out), json.dumps(facts, indent=2).encode())
        write_whole(out, content)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written, {error.strerror}") from error


def written(file: Path) -> Written:
    """What is said beside a file.

    Raises:
        ModelError: nothing is, it is damaged, or about another file.
    """
    facts = facts_file(file)
    try:
        said = json.loads(facts.read_text(encoding="utf-8"))
        recipe, identity, digest = str(said["recipe"]), str(said["identity"]), str(said["sha256"])
        cpu, content = str(said["target"]["cpu"]), file.read_bytes()
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{facts}: the facts that it has are damaged") from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ModelError(f"{file}: is not the file that {facts.name} is about")
    for verdict in file_class.check(said["target"], Target.parse(cpu)):
        raise ModelError(f"{file}: {verdict.message}")
    return Written(recipe, identity, Counter([found]), f"1 program for {cpu}")
