"""What passes make of a graph is found out once."""

from collections.abc import Callable
from pathlib import Path

from support.programs.lowered import Lowered

from search_space.exactness import Exactness
from search_space.ir.target_facts import ANY_TARGET
from search_space.recipe.source_hash import hash_of_sources
from search_space.recipe.space import tosa_passes
from search_space.tosa_file.reader import read_tosa
from workers.cache.memo import Memo
from workers.cache.successors import Successors

KEY = {"versions": {"ethos-u-vela": "5.1.0"}}


def test_who_comes_later_runs_no_pass(stock: Callable[[str], Lowered], tmp_path: Path) -> None:
    graph = read_tosa(max(stock("ethos-u85-256").tosa, key=len))
    first = Successors(Memo(tmp_path), ANY_TARGET, KEY, Exactness.EXACT)
    found = first.of(graph)
    after = {str(one): one.apply(graph).hash for one in tosa_passes()}
    assert found == {name: digest for name, digest in after.items() if digest != graph.hash} != {}
    assert first.of(graph) == found and (first.asked, first.known) == (2, 1)
    later = Successors(Memo(tmp_path), ANY_TARGET, KEY, Exactness.EXACT)
    assert later.of(read_tosa(max(stock("ethos-u85-256").tosa, key=len))) == found
    assert (later.asked, later.known) == (1, 1)
    other = Successors(Memo(tmp_path), ANY_TARGET, {"versions": {"ethos-u-vela": "5.2.0"}}, Exactness.EXACT)
    assert other.of(graph) == found and (other.asked, other.known) == (1, 0)


def test_a_pass_that_was_changed_is_another_one(tmp_path: Path) -> None:
    package = tmp_path / "my_passes"
    package.mkdir()
    (package / "negate.py").write_text("LAW = 1\n")
    before = hash_of_sources([package])
    assert hash_of_sources([package]) == before
    (package / "negate.py").write_text("LAW = 2\n")
    changed = hash_of_sources([package])
    (package / "helper.py").write_text("")
    assert len({before, changed, hash_of_sources([package])}) == 3
