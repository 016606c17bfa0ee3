"""Records as the service answers them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from results.lookup.answer_json import LookupJson, SimulationJson, lookup_document, lookup_json
from results.lookup.lookup import Hit, answer_from
from results.records.best import Best
from results.records.compare_operators import contribution_of
from results.records.families import family_of
from results.records.figures import OperatorRow
from results.records.identity import Identity
from results.records.recipe_text import elements
from results.reports.pareto import Pareto, pareto_of
from results.reports.tune_json import TuneJson, point_json, tune_json
from results.service.backend import Backend, Explained
from results.service.http.schemas import (
    ElementJson,
    LineJson,
    OperatorJson,
    RegressionJson,
    ResultJson,
)
from results.service.reads.lookup_cache import Answered, Marks
from results.store.listings import Line
from results.store.lookups.lookup_query import Offered
from results.store.store import Store
from results.store.tiers import Tiers


def answer_of(stores: Tiers, identity: Identity) -> Answered:
    """What is known for an identity.

    Args:
        stores: what is asked.
        identity: of the model on its target.

    Returns:
        The answer as a response.
    """
    return answer_with(stores.offered(identity), identity)


def answer_with(offered: Offered, identity: Identity) -> Answered:
    """The answer that lies in what was offered for an identity.

    Args:
        offered: what the stores have for `identity`.
        identity: that was asked for.

    Returns:
        The answer as a response.
    """
    found = answer_from(offered, identity)
    # A hit has been held against its key already.
    key = found.best.identity.key if isinstance(found, Hit) else identity.key
    return _answered(lookup_document(found, key, offered.simulated), offered.marks)


def answer_of_key(store: Store, key: str) -> Answered:
    """What is known for exactly the identity with a key. What is near it cannot be found without the identity itself.

    Args:
        store: what is asked.
        key: of an identity.

    Returns:
        A hit or a miss, as a response.
    """
    marks = (store.database.changes.mark(),)
    best = store.bests.get(key)
    if best is None:
        return _answered(LookupJson(answer="miss", identity=key), marks)
    return _answered(lookup_document(Hit(best), key, store.simulations.of(key)), marks)


def _answered(document: LookupJson, marks: Marks) -> Answered:
    return Answered(document.model_dump_json(exclude_unset=True).encode(), document.answer, marks)


def line_json(line: Line, backend: Backend) -> LineJson:
    """One best in short.

    Args:
        line: the best.
        backend: tells the versions that the service has now.

    Returns:
        Its JSON.
    """
    gain = round(line.gain.percent, 2) if family_of(line.family).has_ratio else None
    return LineJson(gain_percent=gain, fresh=is_fresh(line, backend), **asdict(line))


def is_fresh(line: Line, backend: Backend) -> bool:
    """Whether it was found with the versions that the service has now.

    Args:
        line: the best.
        backend: tells the versions that the service has now.

    Returns:
        Whether all versions are the service's.
    """
    return line.versions in backend.toolchains.values() and line.search_space_version == backend.search_space_version


def regression_json(before: Line, after: Line, backend: Backend) -> RegressionJson:
    """Two neighbours of a series.

    Args:
        before: the member that cost less.
        after: the next member of the series.
        backend: tells the versions that the service has now.

    Returns:
        Both with the difference of their cycles in percent of the earlier ones.
    """
    more = 100.0 * (after.best_cycles - before.best_cycles) / before.best_cycles
    return RegressionJson(
        model=after.model, target=after.target, label=after.label, percent=round(more, 2),
        before=line_json(before, backend), after=line_json(after, backend),
    )  # fmt: skip


def explained_of(store: Store, best: Best, backend: Backend) -> tuple[Explained, Pareto]:
    """What is said of a best besides its figures, and the front of cycles against SRAM.

    Args:
        store: holds the other evaluations of the best's identity.
        best: what to explain.
        backend: explains it.

    Returns:
        The explanation, and the front within its limits.
    """
    evaluations = store.evaluations.of(best.identity.key)
    explained = backend.explain(best, evaluations)
    return explained, pareto_of(best, evaluations, explained.limits)


def result_json(store: Store, best: Best, backend: Backend) -> ResultJson:
    """A best with all that is known of it.

    Args:
        store: holds evaluations, simulations and the history of the best.
        best: what to show.
        backend: explains it.

    Returns:
        Its JSON.
    """
    explained, pareto = explained_of(store, best, backend)
    names = elements(best.recipe)
    brings = [*(contribution_of(best.best, one) for one in explained.without), *[None] * len(names)]
    return ResultJson(
        best=TuneJson(**tune_json(best)),
        elements=[
            ElementJson(element=name, law=explained.laws.get(name, ""), more_cycles_without=one.cycles if one else None)
            for name, one in zip(names, brings, strict=False)
        ],
        pareto=[point_json(point) for point in pareto.front],
        default_operators=_operators(best.default.operators),
        best_operators=_operators(best.best.operators),
        simulated=_simulated(store, best),
        history=[line_json(line, backend) for line in store.listings.series(best.identity.key)],
    )


def _simulated(store: Store, best: Best) -> list[SimulationJson]:
    answer = lookup_json(Hit(best), best.identity.key, store.simulations.of(best.identity.key))
    return [SimulationJson(**one) for one in answer["simulated"]]


def _operators(rows: Iterable[OperatorRow]) -> list[OperatorJson]:
    return [OperatorJson(**asdict(row)) for row in rows]
