"""The recipes that a search of a model starts from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances
from workers.cortex_m.candidates.candidates import Candidate, Candidates
from workers.cortex_m.passes.base import FloatRewrite, Rewrite
from workers.cortex_m.passes.drop_unused_constants import DropUnusedConstants
from workers.cortex_m.passes.lowered.mends.crop_by_slices import CropBySlices
from workers.cortex_m.passes.lowered.mends.crop_transposed_rows import CropTransposedRows
from workers.cortex_m.passes.lowered.mends.linear_to_addmm import LinearToAddmm
from workers.cortex_m.passes.lowered.mends.quantise_numbers import QuantiseNumbers
from workers.cortex_m.passes.lowered.mends.softmax_innermost import SoftmaxInnermost
from workers.cortex_m.passes.lowered.mends.transpose_by_four import TransposeByFour
from workers.cortex_m.passes.lowered.pad_apart import PadApart
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight

_USUAL = (
    "drop-clones,fold-clones,sink-elementwise,sink-splits,pad-into-convolution,drop-empty-pads,constant-folding,"
    "depthwise-to-convolution"
)
#: In the order in which they are tried; the last one is for models that nothing else suits.
_STARTS = (
    f"{_USUAL},stride-to-channels",
    f"{_USUAL},linear-to-convolution",
    "drop-clones,fold-clones,drop-empty-pads,constant-folding",
    "default",
)

#: What computes a convolution of a row by another kernel, or so that the kernel for rows computes it rightly: one of
#: them mends it.
_ROW_MENDS = (RowAlongHeight, PadApart)

#: What mends other operators.
_MENDS = (LinearToAddmm, SoftmaxInnermost, TransposeByFour, CropBySlices, CropTransposedRows, QuantiseNumbers)


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
    known = pass_instances(FloatRewrite, allowed)  # type: ignore[type-abstract]
    changes = [str(one) for one in known if candidates.changes_float_model(one)]
    # All changes of the float model together, each by itself, and none.
    groups = (changes, *([one] for one in reversed(changes)), [])
    starts = dict.fromkeys(",".join((*some, one)).removesuffix(",default") for some in groups for one in _STARTS)
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
    mends: set[type[RecipePass]] = {*_MENDS, *_ROW_MENDS}
    kinds = {type(one) for one in recipe.passes}
    return not recipe.choices and bool(kinds.intersection(mends)) and kinds <= {*mends, DropUnusedConstants}


def _mended(candidates: Candidates, recipe: Recipe, faulty: Callable[[Candidate], Collection[str]]) -> Iterator[str]:
    """A recipe as far as it changes the model, with each of the workarounds if it needs one. The smaller file comes
    last."""
    candidate, kept = Candidate(), list[str]()
    for one in recipe.passes:
        after = candidates.passed(candidate, one)
        if after is not candidate:
            kept.append(str(one))
        candidate = after
    faults = faulty(candidate)
    kept += _at_faults(candidates, candidate, _MENDS, faults)
    for mended in _at_faults(candidates, candidate, _ROW_MENDS, faults) or [""]:
        yield ",".join(filter(None, (*kept, mended, DropUnusedConstants.name)))


def _at_faults(
    candidates: Candidates, candidate: Candidate, mends: Sequence[type[Rewrite]], faults: Collection[str]
) -> list[str]:
    """Those of the mends that have sites at faults, for these sites alone. Transposes are mended everywhere: with any
    rewrite, permutes of int8 become transposes too, and fail as they do."""
    found = []
    for mend in mends if faults else ():
        numbers = [at for at, name in enumerate(candidates.sites(candidate, mend()), start=1) if name in faults]
        if numbers:
            found.append(str(mend() if mend is TransposeByFour else mend(at="+".join(map(str, numbers)))))
    return found
