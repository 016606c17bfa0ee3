"""A `.pte` for Cortex-M with a file of facts.

The `.pte` itself does not say what it was lowered for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from search_space.recipe.recipe import Recipe
from workers.backend.file_facts import FileFacts, digest, read_facts, write_with_facts
from workers.backend.job import Job
from workers.backend.written import Written
from workers.cortex_m.candidates.candidates import Candidate
from workers.cortex_m.candidates.programs import CortexMPrograms
from workers.cortex_m.guards import file_class
from workers.cortex_m.target import Target
from workers.errors import ModelError


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
    content = evaluated_content(programs, job, programs.by(Recipe.parse(recipe)), expected)
    facts = FileFacts(job.target.backend, job.target.facts(), recipe, identity_key, digest(content))
    write_with_facts(out, content, facts)


def evaluated_content(
    programs: CortexMPrograms, job: Job[Target], candidate: Candidate, expected: Sequence[str]
) -> bytes:
    """Lower a candidate to the file that was evaluated.

    Args:
        programs: of the job's model.
        job: the model and the target.
        candidate: of a recipe.
        expected: SHA-256 of the file that was evaluated.

    Returns:
        The content of the `.pte`.

    Raises:
        ModelError: the file comes out as another one.
    """
    content = programs.file(candidate).content
    if [digest(content)] != list(expected):
        raise ModelError(f"{job.source}: the lowered program is not the one that was evaluated")
    return content


def written(file: Path, family: str) -> Written | None:
    """What is said beside a file.

    Args:
        file: the `.pte`.
        family: of Cortex-M's targets.

    Returns:
        It; None if nothing is, or nothing of Cortex-M.

    Raises:
        ModelError: what is said is damaged, is about another file, or about other processors than the file's class.
    """
    facts = read_facts(file, family)
    if facts is None:
        return None
    cpu = str(facts.target.get("cpu"))
    for verdict in file_class.check(facts.target, Target.parse(cpu)):
        raise ModelError(f"{file}: {verdict.message}")
    return Written(facts.recipe, facts.identity, Counter([facts.sha256]), f"1 program for {cpu}")
