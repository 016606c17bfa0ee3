"""Seed recipes: recipes that a search starts from, since they help most models.

They name the built-in passes one by one, in a certain order, with options, and some several times. A pass that sets its
`stage` is appended to that stage in further seed recipes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.recipe_pass import SITES_BY_PRICE, RecipePass
from search_space.passes.stage import Stage
from search_space.recipe import registry
from search_space.recipe.profitable_sites import applied
from search_space.recipe.recipe import Recipe

_CLEAN = "int4-as-int8,remove-noops,fold-constants"

#: Layout transforms are propagated as far as possible.
_FAR = "fold-pad-into-conv,conv-along-width,sink-transposes,cse,minimise-transposed-bytes"

#: Selection of operators. `{at}`: where it is profitable, by stream cycles or by both estimates.
_CHOICES = (
    "table@{at},prelu@{at},channel-affine-as-depthwise@{at},unary-through-max-pool@{at},factor-common-scale@{at},sum-as-depthwise@{at},"
    "avg-pool-as-depthwise{{global_pools=true}}@{at},avg-pool-as-depthwise@{at},tree-reduce-sum@{at},trim-kernel@{at},space-to-batch@{at},"
    "space-to-depth@{at},im2col@{at},swap-height-width@{at},sink-transposes,minimise-transposed-bytes,flatten-pixels,"
    "fuse-transposes,slice-conv-channels@{at},fuse-transposes,split-batch-matmul@{at},matmul-by-columns{{fused=true}}@{at},"
    "fuse-transposes,fuse-parallel-convs@{at},matmul-as-conv@{at},transposed-conv-to-subpixel@{at}"
)

#: Where other rounding is allowed. A mean that is not rounded is nearer to the real one, but the outputs of one
#: transformer became less accurate with it, so some seed recipes leave it out.
_REQUANTISED = "fold-affine,merge-rescales"
_CENTRED = "subtract-mean-as-conv@{at},fold-affine,merge-rescales"

_WEIGHTS = "fold-channel-permutation,fuse-transposes"
_SHAPES = "unbatch,fuse-transposes,cse,fold-constants,select-channel-order"
_FILLED = "unbatch,pack-pixels-into-channels,fuse-transposes,cse,fold-constants,select-channel-order"

#: After channels were packed, since parts of packed channels are not read in place. Ethos-U55 and U65 have no product
#: of two activations: what was no gain by columns may be one by rows.
_PARTS = "tree-reduce-max@{at},matmul-as-mul-reduce@{at},fuse-transposes"

#: Groups of channels that are transposed apart are computed by convolutions of their own, at all sites: the gain only
#: shows where the groups are joined.
_APART = "space-to-depth@{at},split-output-channels,sink-transposes,flatten-concat"

#: The remaining transposes, and operators that a convolution does faster.
_LATE = (
    "transpose-as-conv@{at},fold-channel-slice@{at},block-diagonal-conv@{at},depthwise-as-conv{{grouped=true}}@{at},"
    "depthwise-as-conv@{at},flatten-concat,merge-slices,identity-conv-copy@{at},fold-channel-slice@{at},"
    "widen-conv{{by_taps=true}}@{at},widen-conv@{at},unary-through-concat-slice@{at},identity-max-before-table@{at}"
)


#: Users of equal widening RESCALEs are merged too. The RESCALEs stay apart, each fused with the operator that reads it.
_SHARED = "cse{{through_rescales=true}}"

#: All passes after the selection of operators.
_REST = ",".join((_WEIGHTS, _FILLED, _PARTS, "select-transposes", _LATE))


#: Last, since other passes would remove copies that change nothing. Without them Vela miscompiles attention, minima,
#: maxima of columns, selections and convolutions with equal weights.
_RIGHT = "exchange-operands,copy-sliced-operand,reduce-before-reshape,copy-reshaped-operand,separate-shared-weights"


#: The richest recipe by its stages.
_STAGES = {
    Stage.CANONICALISE: _CLEAN,
    Stage.PROPAGATE_LAYOUTS: _FAR,
    Stage.SELECT_OPERATORS: _CHOICES,
    Stage.ASSIGN_LAYOUTS: f"{_WEIGHTS},{_FILLED}",
    Stage.DECOMPOSE: _PARTS,
    Stage.PEEPHOLE: f"select-transposes,{_LATE}",
    Stage.LEGALISE: _RIGHT,
}

#: Stages whose passes are applied where they are profitable.
_BY_PRICE = (Stage.SELECT_OPERATORS, Stage.DECOMPOSE, Stage.PEEPHOLE)


def _start(*parts: str, at: str) -> str:
    return ",".join((_CLEAN, *parts, _RIGHT)).format(at=at)


#: The richest first: by both estimates, then by stream cycles alone, then with fewer passes. The late passes may need
#: more memory than is allowed, for wider weights for instance: one recipe leaves them out.
SEED_RECIPES = (
    _start(_FAR, _CHOICES, _REST, at="profitable-by-both"),
    _start(_FAR, _CHOICES, _REST, at="profitable"),
    _start(_SHARED, _FAR, _CHOICES, _REST, at="profitable"),
    _start(_FAR, _APART, _WEIGHTS, "select-transposes", _LATE, at="profitable"),
    _start(_FAR, _CHOICES, _WEIGHTS, _SHAPES, _PARTS, "select-transposes", _LATE, at="profitable-by-both"),
    _start(_FAR, _CHOICES, _WEIGHTS, _FILLED, _PARTS, "select-transposes", at="profitable-by-both"),
    _start(_FAR, "sum-as-depthwise", _WEIGHTS, _FILLED, "select-transposes", at=""),
    _start(_FAR, "sum-as-depthwise", _WEIGHTS, _FILLED, "select-transposes{{interior=true}}", at=""),
    _start(_FAR, _SHAPES, at=""),
    _RIGHT,
)

#: These come first where they are allowed.
INEXACT_SEED_RECIPES = (
    _start(_FAR, _CENTRED, _CHOICES, _REST, at="profitable-by-both"),
    _start(_FAR, _CENTRED, _CHOICES, _REST, at="profitable"),
    _start(_FAR, _REQUANTISED, _CHOICES, _REST, at="profitable-by-both"),
    _start(_SHARED, _FAR, _REQUANTISED, _CHOICES, _REST, at="profitable"),
)


def seed_recipes() -> tuple[str, ...]:
    """The exact seed recipes: those with passes that set their stage, then SEED_RECIPES.

    The latter stay unchanged, so that a search has them even if such a pass is wrong.
    """
    return (*_staged(Exactness.EXACT), *SEED_RECIPES)


def inexact_seed_recipes() -> tuple[str, ...]:
    """As `seed_recipes`, with requantising passes as well."""
    return (*_staged(Exactness.REQUANTISING), *INEXACT_SEED_RECIPES)


def _staged(allowed: Exactness) -> tuple[str, ...]:
    """The richest recipe with the passes of a class, or a more exact one, that say their stage; none without such."""
    passes = [one for one in registry.passes().values() if one.stage is not None and one.exactness <= allowed]
    if not passes:
        return ()
    parts = {stage: _with(text, stage, passes) for stage, text in _STAGES.items()}
    if allowed > Exactness.EXACT:
        parts[Stage.PROPAGATE_LAYOUTS] += f",{_REQUANTISED}"
    return tuple(",".join(parts.values()).format(at=at) for at in reversed(SITES_BY_PRICE))


def _with(text: str, stage: Stage, passes: Iterable[type[RecipePass]]) -> str:
    at = "@{at}" if stage in _BY_PRICE else ""
    return ",".join((text, *(f"{one.name}{at}" for one in passes if one.stage is stage)))


def seed_programs(
    program: Sequence[Graph], facts: TargetFacts, allowed: Exactness = Exactness.EXACT, transferred: Sequence[str] = ()
) -> dict[str, tuple[Graph, ...]]:
    """Apply the seed recipes to a program.

    Args:
        program: one graph for each delegate.
        facts: about the target.
        allowed: the least exact class that is allowed.
        transferred: recipes of similar programs, which are tried first.

    Returns:
        Recipe -> the program by it. Passes that change nothing are left out. Of recipes with one result the first is
        kept; recipes that change nothing are left out.
    """
    seen = {tuple(graph.hash for graph in program)}
    programs: dict[str, tuple[Graph, ...]] = {}
    reached: dict[tuple[RecipePass, ...], tuple[Graph, ...]] = {(): tuple(program)}
    for start in map(Recipe.parse, (*transferred, *inexact_seed_recipes(), *seed_recipes())):
        if start.exactness > allowed:
            continue
        passes = start.passes
        kept = []
        for length, one in enumerate(passes, 1):
            before = reached[passes[: length - 1]]
            if passes[:length] not in reached:  # they begin alike
                reached[passes[:length]] = _applied(one, before, facts)
            if any(new is not old for new, old in zip(reached[passes[:length]], before, strict=True)):
                kept.append(one)
        result = reached[passes]
        hashes = tuple(graph.hash for graph in result)
        if hashes not in seen:
            seen.add(hashes)
            programs[str(Recipe(passes=tuple(kept)))] = result
    return programs


def is_workaround(text: str) -> bool:
    """Whether a recipe does nothing but what keeps Vela from miscompiling operands."""
    recipe = Recipe.parse(text)
    workaround = set(Recipe.parse(_RIGHT).passes)
    return bool(recipe.passes) and not recipe.choices and workaround.issuperset(recipe.passes)


def starting_points(
    program: Sequence[Graph], facts: TargetFacts, allowed: Exactness = Exactness.EXACT, transferred: Sequence[str] = ()
) -> tuple[str, ...]:
    """The recipes of `seed_programs`.

    Args:
        program: one graph for each delegate.
        facts: about the target.
        allowed: the least exact class that is allowed.
        transferred: recipes of similar programs, which are tried first.

    Returns:
        The recipes, in the order in which a search tries them.
    """
    return tuple(seed_programs(program, facts, allowed, transferred))


def _applied(one: RecipePass, program: tuple[Graph, ...], facts: TargetFacts) -> tuple[Graph, ...]:
    try:
        return tuple(applied(one, graph, facts) for graph in program)
    except Exception:  # somebody's pass: it is refused with the reason when it is a candidate
        return program
