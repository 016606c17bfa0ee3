"""Let ExecuTorch's own lowering follow a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from workers.backend.stored_recipe import StoredRecipe
from workers.cache.memo import Memo
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.incremental_values import Values
from workers.checking.reference_check import check
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.lowering.ahead_of_time.recipe_tag import recipe_tag
from workers.ethos_u.lowering.ahead_of_time.spec_check import check_spec
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import rewrite_tosa
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.lowering.frontend import lowering_by, quantising_by
from workers.ethos_u.stream_check.verdict import stream_verdict
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa
from workers.ethos_u.vela.facts import VelaFacts

_SEED = 0


@contextmanager
def apply_recipe(
    recipe: str, target: Target | str, tag: bytes | None = None, allowed: Exactness = Exactness.EXACT,
    check_streams: bool = True,
) -> Iterator[None]:  # fmt: skip
    """Inside the block, ExecuTorch lowers every Ethos-U delegate by `recipe`. One program per block, one thread at a
    time.

    Delegate name and binary format stay ExecuTorch's. Before Vela compiles it, each rewritten delegate is compared with
    ExecuTorch's on random and extreme inputs. The TOSA reference model computes both. The command stream that Vela
    makes of it for `target` is executed on the same inputs, by `workers.ethos_u.npu_model`. What ExecuTorch makes by
    the recipe's `setting` is not compared with its default here. That takes the whole program, see
    `workers.ethos_u.lowering.frontend_settings`. Of a recipe that is not exact, the exact elements are checked so, and
    nothing is measured.

    A recipe of class precision is for the quantiser as well. Then prepare_pt2e must be called inside the block.

    Example:
        with apply_recipe("fuse-transposes,fold-constants", "ethos-u55-128"):
            edge = to_edge_transform_and_lower(exported, partitioner=[EthosUPartitioner(compile_spec)])

    Args:
        recipe: canonical text, as `velatune lookup` prints it, or what `best_recipe` returns.
        target: what the compile spec is for; the name of an accelerator stands for ExecuTorch's board facts.
        tag: stored beside each delegate, see `workers.ethos_u.lowering.ahead_of_time.tosa_hook`; None for one by which
            `velatune verify` finds the recipe.
        allowed: the class up to which the recipe may be.
        check_streams: whether command streams are executed.

    Yields:
        Nothing.

    Raises:
        SpaceError: the text is no recipe or not allowed.
        ModelError: the recipe changes a delegate's outputs, Vela miscompiles it, or the compile spec has another
            target. The lowering call raises these. At the end of the block: the quantiser was not called inside.
    """
    parsed = Recipe.parse(recipe)
    if parsed.exactness > allowed:
        raise SpaceError(f"recipe '{recipe}' is {parsed.exactness}, its outputs are not the default's bit for bit")
    board = Target.parse(target) if isinstance(target, str) else target

    def transform(index: int, tosa: bytes) -> bytes:
        default = read_tosa(tosa, f"delegate {index}")
        try:
            values = on_defined_inputs(Values, default, (), _SEED)
        except ReferenceFailed as error:
            raise ModelError(f"recipe '{recipe}' cannot be checked for delegate {index}: {error}") from error
        with TemporaryDirectory() as forgotten:
            facts = VelaFacts(board, Memo(Path(forgotten)), toolchain_versions())
            for start, end in parsed.exact_stretches:
                graph = verify(end.apply(default, facts))
                before = start.apply(default, facts) if start.elements else default
                verdict = check(graph, before, values)
                if not verdict.equal:
                    raise ModelError(f"recipe '{recipe}' is not right for delegate {index}: {verdict.reason}")
        if check_streams:
            _check_stream(graph, board, values, f"recipe '{recipe}', delegate {index}")
        return write_tosa(graph)

    if tag is None:
        tag = recipe_tag(recipe, recipe.identity if isinstance(recipe, StoredRecipe) else "")
    accepts = partial(check_spec, target=board)
    with quantising_by(parsed.setting), lowering_by(parsed.setting), rewrite_tosa(transform, tag, accepts):
        yield


def _check_stream(graph: Graph, board: Target, values: Values, what: str) -> None:
    try:
        compiled = compile_tosa(write_tosa(graph), board)
    except VelaRefused as error:
        raise ModelError(f"{what}: Vela refuses it for {board.label}, {error}") from error
    verdict = stream_verdict(graph, compiled.npu_program, compiled.operators, values)
    if not verdict.equal:
        raise ModelError(
            f"{what}: Vela miscompiles it for {board.label}, {verdict.reason}; "
            "check_streams=False lowers it all the same"
        )
