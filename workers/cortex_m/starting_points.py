"""The recipes that a search of a model starts from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.cortex_m.candidates import Candidate, Candidates
from workers.cortex_m.passes.drop_unused_constants import DropUnusedConstants
from workers.cortex_m.passes.lowered.pad_apart import PadApart
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight
from workers.cortex_m.passes.square_as_product import SquareAsProduct

_USUAL = "drop-clones,fold-clones,sink-elementwise,sink-splits,pad-into-convolution,depthwise-to-convolution"
#: In the order in which they are tried; the last one is for models that nothing else suits.
_STARTS = (f"{_USUAL},stride-to-channels", f"{_USUAL},linear-to-convolution", "drop-clones,fold-clones", "default")

#: What computes a convolution of a row by another kernel, or so that the kernel for rows computes it rightly.
_MENDS = (RowAlongHeight, PadApart)


def starting_points(
    candidates: Candidates, faulty: Callable[[Candidate], Collection[str]], allowed: Exactness
) -> tuple[str, ...]:
    """Recipes without passes that change nothing in the model. Where the processor would compute an operator wrongly, a
    recipe mends just that.

    Args:
        candidates: of the model.
        faulty: names of the operators of a candidate that the guards complain of.
        allowed: the class up to which recipes are tried.

    Returns:
        Recipes in the order in which they are to be tried.
    """
    starts = list(_STARTS)
    if candidates.has_squares and allowed >= SquareAsProduct.exactness:
        starts = [f"{SquareAsProduct.name},{one}".removesuffix(",default") for one in _STARTS] + starts
    found: dict[str, None] = {}
    for start in starts:
        try:
            found |= dict.fromkeys(_mended(candidates, Recipe.parse(start), faulty))
        except SpaceError:  # it is refused when it is evaluated
            found[start] = None
    return tuple(found)


def is_workaround(text: str) -> bool:
    """Whether a recipe does nothing but have operators that the processor would compute wrongly computed otherwise."""
    recipe = Recipe.parse(text)
    kinds = {type(one) for one in recipe.passes}
    return not recipe.choices and bool(kinds.intersection(_MENDS)) and kinds <= {*_MENDS, DropUnusedConstants}


def _mended(candidates: Candidates, recipe: Recipe, faulty: Callable[[Candidate], Collection[str]]) -> Iterator[str]:
    """A recipe as far as it changes the model, with each of the mends if it needs one, and the smaller file at last."""
    candidate, kept = Candidate(), list[str]()
    for one in recipe.passes:
        after = candidates.passed(candidate, one)
        if after is not candidate:
            kept.append(str(one))
        candidate = after
    faults = faulty(candidate)
    mends = []
    for mend in _MENDS if faults else ():
        numbers = [at for at, name in enumerate(candidates.sites(candidate, mend()), start=1) if name in faults]
        if numbers:
            mends.append(str(mend(at="+".join(map(str, numbers)))))
    for mended in mends or [""]:
        yield ",".join(filter(None, (*kept, mended, DropUnusedConstants.name)))
