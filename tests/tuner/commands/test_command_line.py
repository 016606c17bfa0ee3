"""The commands as a person types them, on a model that the repository has never seen."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.processes.person import NETS, TARGETS, Person
from support.samples import fvp_log

from results.lookup.answer_json import LookupJson
from results.records.claim import Claim
from results.reports.tune_json import TuneJson
from results.store.store import Store
from tuner.ethos_u.simulations import contenders
from tuner.tuning.budget import Budget
from tuner.tuning.objective import Objective

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(tmp_path_factory.mktemp("person"))


@pytest.fixture(scope="module")
def tuned(person: Person) -> list[dict[str, Any]]:
    """What `tune` says, with the results in `main.sqlite` and reports in `out`."""
    return person.tunes("main.sqlite", "--trials", "20", "--jobs", "2", "--out", "out", "--pareto")


@pytest.fixture(scope="module")
def written(tuned: list[dict[str, Any]], person: Person) -> Callable[[str], str]:
    """`written(target)`: the name of a `.pte` by the best recipe, written once."""

    @cache
    def write(target: str) -> str:
        person.types("apply", "nets.py:shuffle", "--target", target, "--store", "main.sqlite", "--out", f"{target}.pte")
        return f"{target}.pte"

    return write


def test_tune_finds_something_cheaper_and_checked(tuned: list[dict[str, Any]], person: Person) -> None:
    assert [one["target"] for one in tuned] == list(TARGETS)
    for one in tuned:
        TuneJson.model_validate(one)
        assert one["verified"]
        assert one["best"]["cycles"] < one["default"]["cycles"], "its shuffle and permutes can be written cheaper"
        assert one["recipe"] != "default"
        assert 1 < one["evaluations"] <= 20 + Budget(20).to_shorten
    pages = sorted(path.name for path in (person.home / "out").iterdir())
    assert {"index.html", "table.md", "bounds.md"} < set(pages) and len(pages) == 5, "and a report for each"


def test_one_worker_finds_the_same(tuned: list[dict[str, Any]], person: Person) -> None:
    alone = person.tunes("alone.sqlite", "--trials", "20", "--jobs", "1")
    for one, other in zip(tuned, alone, strict=True):
        assert one["recipe"] == other["recipe"]
        assert one["best"] == other["best"]
        assert "pareto" in one and "pareto" not in other


def test_the_front_begins_no_dearer_than_the_best(tuned: list[dict[str, Any]], person: Person) -> None:
    for one in tuned:
        front = one["pareto"]
        assert front == sorted(front, key=lambda point: point["cycles"])
        assert front[0]["cycles"] <= one["best"]["cycles"]
        assert min(point["sram_bytes"] for point in front) <= one["best"]["sram_bytes"]
    asked = ("--target", TARGETS[0], "--store", "main.sqlite", "--trials", "20", "--jobs", "1", "--pareto")
    out, _ = person.types("tune", "nets.py:shuffle", *asked)
    assert f"nets.py:shuffle on {TARGETS[0]}: cycles against SRAM (predicted)" in out
    assert all(f"{point['cycles']:,}" in out for point in tuned[0]["pareto"])
    pages = [path.read_text() for path in (person.home / "out").glob("nets-*.html")]
    assert all("Cycles against SRAM" in page for page in pages)


def test_a_finished_search_is_not_done_again(tuned: list[dict[str, Any]], person: Person) -> None:
    again = person.tunes("main.sqlite", "--trials", "20", "--jobs", "1")
    for one, other in zip(tuned, again, strict=True):
        assert other["evaluations"] == one["evaluations"]
        assert other["recipe"] == one["recipe"]


def test_lookup_apply_verify(tuned: list[dict[str, Any]], written: Callable[[str], str], person: Person) -> None:
    for one in tuned:
        out, _ = person.types("lookup", "nets.py:shuffle", "--target", one["target"], "--store", "main.sqlite")
        assert out.strip() == one["recipe"]
        out, err = person.types("verify", written(one["target"]), "--store", "main.sqlite")
        assert "verified" in out and one["recipe"] in out
        assert out.count("\n") == 1 and err == "", "nothing of what the toolchain has to say"


def test_simulate_ranks_what_a_simulator_counts(tuned: list[dict[str, Any]], person: Person) -> None:
    """The simulator is a script, since Arm's cannot be had here. It reads the .pte that it is given, and prints a
    report as ExecuTorch's runner does. The default is the dearest to it, and the last of the three ends badly."""
    identity = tuned[1]["identity"]
    with Store.open(person.home / "main.sqlite") as store:
        default, first, last = contenders(store.evaluations.of(identity), Objective().on("ethos-u"), 2)
    reports = {default.recipe: fvp_log.report(90_000, 1), first.recipe: fvp_log.report(70_000, 1)}
    (person.home / "runner.elf").write_bytes(b"\x7fELF of no use")
    script = person.home / "fvp"
    script.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from pathlib import Path\n"
        "place, _, address = sys.argv[sys.argv.index('--data') + 1].rpartition('@')\n"
        "content = Path(place).read_bytes()\n"
        "assert content[4:6] == b'ET' and address == '0x38000000'\n"
        f"for recipe, report in {reports!r}.items():\n"
        '    if f\'"recipe": "{recipe}"\'.encode() in content:\n'
        "        sys.exit(print(report))\n"
        "print('Hard fault.')\n"
    )
    script.chmod(0o755)
    options = ("--target", TARGETS[1], "--store", "main.sqlite")
    command = ("simulate", "nets.py:shuffle", *options, "--best", "2", "--runner", "runner.elf", "--fvp", "./fvp")
    out, err = person.types(*command, expect=2)
    lines = [line.split() for line in out.splitlines()[2:]]
    predicted = [(one, one.figures) for one in (first, default) if one.figures]
    assert lines == [
        [simulated, f"{figures['stream_cycles']:,}", f"{figures['vela_cycles']:,}", one.recipe]
        for simulated, (one, figures) in zip(("70,000", "90,000"), predicted, strict=True)
    ]
    assert err.count("error:") == 1 and f"'{last.recipe}' gave nothing, it reports: Hard fault.; its log is" in err
    with Store.open(person.home / "main.sqlite") as store:
        stored = [(one.npu_cycles, one.recipe, one.label) for one in store.simulations.of(identity)]
        kept = store.evaluations.get(identity, first.recipe)
    assert kept is not None and kept.figures == first.figures, "as predicted before"
    assert stored == [(70_000, first.recipe, "simulated"), (90_000, "default", "simulated")]
    out, _ = person.types("lookup", "nets.py:shuffle", *options, "--json")
    of_best = [count for count, recipe, _ in stored if recipe == tuned[1]["recipe"]]
    assert [one["npu_cycles"] for one in json.loads(out)["simulated"]] == of_best


def test_verify_refuses_another_stream(written: Callable[[str], str], person: Person) -> None:
    """The recipe's name is in the file, what it stands for is not: a weight or command was changed."""
    from workers.ethos_u.files.pte import read_pte

    good = written(TARGETS[0])
    content = (person.home / good).read_bytes()
    stream = read_pte(person.home / good)[0].command_stream
    at = content.index(stream) + len(stream) // 2
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    (person.home / "changed.pte").write_bytes(changed)
    _, err = person.types("verify", "changed.pte", "--store", "main.sqlite", expect=2)
    assert "not those that were evaluated" in err
    _, err = person.types("verify", good, "--store", "empty.sqlite", expect=2)
    assert "no verified evaluation" in err


def test_verify_runs_what_was_written(written: Callable[[str], str], person: Person) -> None:
    pte = written(TARGETS[0])
    out, _ = person.types("verify", pte, "--store", "main.sqlite", "--run")
    # Random, minimum, maximum, zero point and two calibration inputs of its one delegate, and as many of the model.
    assert out.endswith("; run here bit for bit, its delegates on 6 sets of inputs, the whole on 6\n")
    _, err = person.types("verify", pte, "--store", "main.sqlite", "--run", "--model", "nets.py:pool", expect=2)
    assert err == f"error: {pte}: nets.py:pool is not the model that it was made of any more\n"
    _, err = person.types("verify", pte, "--store", "main.sqlite", "--run", "--model", "gone.py:shuffle", expect=2)
    assert err.startswith("error: gone.py: no such file; ") and "(--model)" in err and err.count("\n") == 1

    np.save(person.home / "image.npy", np.random.default_rng(0).normal(size=(1, 3, 12, 10)))
    person.types("run", pte, "--input", "image.npy", "--output", "outputs.npz")
    own = ("verify", pte, "--run", "--input", "image.npy", "--expect", "outputs.npz")
    assert person.types(*own)[0] == f"{pte}: run here, all outputs are as expected\n"
    np.save(person.home / "image.npy", np.zeros((1, 3, 12, 10)))
    _, err = person.types(*own, expect=2)
    assert "values of output 0 differ, the first at [0, " in err
    _, err = person.types(*own[:-2], expect=2)
    assert "--input and --expect go together" in err


def test_recipes_go_out_and_come_in(tuned: list[dict[str, Any]], person: Person) -> None:
    """Into a store that has nothing: looked up as unverified, refused where it does not fit, checked when applied."""
    one = tuned[0]
    person.types("export", "--store", "main.sqlite", "--out", "recipes.json")
    out, _ = person.types("import", "recipes.json", "--store", "theirs.sqlite")
    assert out == "2 new, not verified here until velatune apply checks them\n"
    again, _ = person.types("export", "nets.py:shuffle", "--store", "theirs.sqlite")
    assert again == (person.home / "recipes.json").read_text()

    asked = ("nets.py:shuffle", "--target", one["target"], "--store", "theirs.sqlite")
    out, err = person.types("lookup", *asked)
    assert out.strip() == one["recipe"] and "not verified here" in err
    content = json.loads((person.home / "recipes.json").read_text())
    forged = next(entry for entry in content["recipes"] if entry["identity"]["target"]["name"] == one["target"])
    forged["claim"]["recipe"] = "no-such-pass"
    (person.home / "forged.json").write_text(json.dumps(content))
    person.types("import", "forged.json", "--store", "forged.sqlite")
    _, err = person.types("apply", *asked[:-1], "forged.sqlite", "--out", "forged.pte", expect=2)
    assert "no-such-pass" in err and not (person.home / "forged.pte").exists()
    (person.home / "cut.json").write_text(json.dumps(content)[:-9])
    _, err = person.types("import", "cut.json", "--store", "cut.sqlite", expect=2)
    assert err.startswith("error: cut.json cannot be imported") and err.count("\n") == 1
    assert not (person.home / "cut.sqlite").exists()

    person.types("apply", *asked, "--out", "theirs.pte")
    out, err = person.types("lookup", *asked, "--json")
    answer = LookupJson.model_validate_json(out)
    assert answer.answer == "hit" and answer.best is not None and answer.best.verified
    assert answer.best.best.cycles == one["best"]["cycles"]
    out, _ = person.types("verify", "theirs.pte", "--store", "theirs.sqlite")
    assert "verified" in out


def test_lookup_in_a_teams_store_and_near_misses(tuned: list[dict[str, Any]], person: Person) -> None:
    """The team has the recipe; it is stale under other versions, and nearest for another size."""
    one = tuned[0]
    team = ("--system-store", "main.sqlite", "--store", "mine.sqlite")
    asked = ("nets.py:shuffle", "--target", one["target"], *team)
    out, _ = person.types("lookup", *asked)
    assert out.strip() == one["recipe"]

    with Store.open(person.home / "main.sqlite") as store:
        found = store.bests.get(one["identity"])
    assert found is not None
    with Store.open(person.home / "stale.sqlite") as store:
        store.claims.record_all([(replace(found.identity, search_space_version="0"), Claim.by(found))])
    out, err = person.types("lookup", *asked[:3], "--store", "stale.sqlite", expect=3)
    assert out.strip() == one["recipe"] and "stale: found with search_space_version 0 (now" in err

    (person.home / "nets.py").write_text(NETS.replace("randn(1, 3, 12, 10)", "randn(1, 3, 16, 10)"))
    try:
        out, err = person.types("lookup", *asked, expect=5)
        assert out.strip() == one["recipe"]
        assert "nearest: found for nets.py:shuffle, of the same operators with other sizes" in err
        out, _ = person.types("lookup", *asked, "--json", expect=5)
        answer = LookupJson.model_validate_json(out)
        assert (answer.answer, answer.same_shapes) == ("nearest", False)
        assert [difference.field for difference in answer.differences] == ["model_hash"]
        _, err = person.types("apply", *asked, "--out", "near.pte", expect=2)
        assert f"try it: --recipe '{one['recipe']}'" in err
    finally:
        (person.home / "nets.py").write_text(NETS)


def test_lookup_of_something_unknown_is_a_miss(person: Person) -> None:
    options = ("--target", "ethos-u65-256", "--memory-mode", "Sram_Only", "--store", "a new.sqlite")
    _, err = person.types("lookup", "nets.py:shuffle", *options, expect=4)
    assert f"run: velatune tune nets.py:shuffle {shlex.join(options)}\n" in err, "the command for this very question"
    assert "have changed" not in err


def test_a_model_that_is_another_one_every_time_is_reported_so(tuned: list[dict[str, Any]], person: Person) -> None:
    (person.home / "nets.py").write_text(NETS.replace("manual_seed(3)", "seed()"))
    try:
        _, err = person.types("lookup", "nets.py:shuffle", "--target", TARGETS[0], "--store", "main.sqlite", expect=5)
    finally:
        (person.home / "nets.py").write_text(NETS)
    assert "have changed since it was tuned (if random, seed them)" in err


def test_other_rounding_only_where_it_is_allowed_and_never_called_exact(person: Person) -> None:
    on = ("nets.py:pool", "--target", TARGETS[0], "--store", "near.sqlite")
    near = (*on, "--allow-requant=3")
    out, _ = person.types("tune", *near, "--trials", "24", "--jobs", "1", "--json")
    (found,) = json.loads(out)
    assert found["exactness"] == "requantising" and "host-pool=any" in found["recipe"] and not found["verified"]
    assert found["quality"]["sqnr_db"] > found["quality"]["default_sqnr_db"] - 3 > 10
    assert found["best"]["metrics"]["host_ops"] < found["default"]["metrics"]["host_ops"]

    assert person.types("lookup", *near)[0].strip() == found["recipe"]
    person.types("lookup", *on, expect=4)
    err = person.types("apply", *on, "--recipe", found["recipe"], "--out", "near.pte", expect=2)[1]
    assert "requantising, which is not allowed" in err and not (person.home / "near.pte").exists()
    assert "not bit-exact" in person.types("apply", *near, "--out", "near.pte")[0]
    assert "requantising, not bit-exact" in person.types("verify", "near.pte", "--store", "near.sqlite")[0]


def test_apply_notes_what_has_no_site_in_the_model(person: Person) -> None:
    recipe = "conv1d=along-h | prelu,sink-transposes,tree-reduce-max@profitable"
    asked = ("nets.py:shuffle", "--target", TARGETS[0], "--store", "noted.sqlite", "--recipe", recipe)
    notes = person.types("apply", *asked, "--out", "noted.pte")[1].splitlines()
    assert [line for line in notes if line.startswith("note:")] == [
        "note: conv1d=along-h changes nothing in this model",
        "note: prelu has no site in this model",
        "note: tree-reduce-max@profitable has no site in this model",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tune", "nets.py:shuffle", "--target", "ethos-u99-1"), "ethos-u99-1"),
        (("tune", "nets.py:shuffle", "--target", TARGETS[0], "--store", "postgresql://localhost:1/no"), "store"),
        (
            ("apply", "nets.py:shuffle", "--target", TARGETS[0], "--out", "x.pte", "--recipe", "fuse-transpose"),
            "fuse-transposes",
        ),
        (("verify", "nets.py"), "nets.py"),
        (
            ("lookup", "nets.py:flat", "--target", TARGETS[0], "--metric", "nets.py:nearness"),
            "--min-metric go together",
        ),
        (
            ("lookup", "nets.py:flat", "--target", TARGETS[0], "--metric", "nets.py:nearness", "--min-metric", "1"),
            "--allow-requant",
        ),
        (("lookup", "nets.py:flat", "--target", TARGETS[0], "--io-layout", "nhwc"), "no input of rank 4"),
        (("simulate", "nets.py:shuffle", "--target", TARGETS[0], "--runner", "x.elf"), "Ethos-U55 is not on the PATH"),
    ],
)
def test_bad_input_gives_one_line(person: Person, arguments: tuple[str, ...], said: str) -> None:
    _, err = person.types(*arguments, expect=2)
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and said in errors[0]
    assert "Traceback" not in err
    assert not (person.home / "x.pte").exists()


def test_bad_models_do_not_stop_the_others(person: Person) -> None:
    bad = ["nets.py:data_dependent", "nets.py:shuffel", "absent.pt2"]
    out, err = person.types(
        "tune", *bad, "nets.py:shuffle", "--target", TARGETS[1], "--trials", "3", "--jobs", "1",
        "--store", "mixed.sqlite", "--json", expect=2,
    )  # fmt: skip
    *failed, worked = json.loads(out)
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == len(failed) == len(bad) and "Traceback" not in err
    for one, name in zip(failed, bad, strict=True):
        assert one["status"] == "failed" and name.rpartition(":")[2] in one["error"]
        assert any(one["error"] in line for line in errors)
    assert worked["verified"]


def test_a_fault_costs_its_own_job_or_page_only(tuned: list[dict[str, Any]], person: Person) -> None:
    """One model's journal cannot be opened, the other one's report cannot be written."""
    shutil.copy(person.home / "main.sqlite", person.home / "faulty.sqlite")
    shutil.copytree(person.home / "main.sqlite.studies", person.home / "faulty.sqlite.studies")
    shutil.copytree(person.home / "out", person.home / "pages")
    journals = sorted((person.home / "faulty.sqlite.studies").glob("*.journal"))
    journals[0].unlink()
    journals[0].mkdir()
    for page in (person.home / "pages").glob("nets-*.html"):
        page.unlink()
        page.mkdir()
    targets = [word for target in TARGETS for word in ("--target", target)]
    out, err = person.types(
        "tune", "nets.py:shuffle", *targets, "--trials", "20", "--jobs", "1",
        "--store", "faulty.sqlite", "--out", "pages", "--json", expect=2,
    )  # fmt: skip
    failed, worked = sorted(json.loads(out), key=lambda one: bool(one["status"] != "failed"))
    assert "failed unexpectedly, IsADirectoryError" in failed["error"]
    assert worked["verified"]
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == 2 and "Traceback" not in err
    log = Path(failed["error"].rpartition("the traceback is in ")[2])
    assert "Traceback" in log.read_text()


def test_a_cache_that_takes_nothing_costs_time_only(person: Person) -> None:
    """As on a full disk: files stand where the folders should be."""
    full = person.home / "full" / "velatune"
    full.mkdir(parents=True)
    (full / "memo").touch()
    (full / "lowered").touch()
    environment, person.environment = person.environment, person.environment | {"XDG_CACHE_HOME": str(full.parent)}
    try:
        out, err = person.types(
            "tune", "nets.py:shuffle", "--target", TARGETS[1], "--trials", "3", "--jobs", "1",
            "--store", "full.sqlite", "--json",
        )  # fmt: skip
    finally:
        person.environment = environment
    assert json.loads(out)[0]["verified"]
    assert "the lowered program is not cached" in err


def test_out_is_tried_before_the_search(person: Person) -> None:
    _, err = person.types("tune", "nets.py:shuffle", "--target", TARGETS[0], "--out", "nets.py/out", expect=2)
    assert err.startswith("error: --out nets.py/out") and err.count("\n") == 1


def test_a_reader_that_has_enough_is_no_fault(person: Person) -> None:
    process = person.starts("models", "--json")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()


def test_a_terminated_run_closes_in_order(person: Person) -> None:
    """Workers end with it, and Ray's own handler does not print a stack of addresses."""
    process = person.starts("tune", "nets.py:shuffle", "--target", "ethos-u65-256", "--store", "terminated.sqlite")
    _wait_until(lambda: _workers_of(process.pid), process)
    workers = _workers_of(process.pid)
    process.terminate()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert len(err.splitlines()) <= 3 and "logging.cc" not in err
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_killed_run_goes_on_where_it_was(tuned: list[dict[str, Any]], person: Person, tmp_path: Path) -> None:
    """SIGKILL for the driver in mid-search, then for a worker of the run that takes it up."""
    lowered = Path("cache", "velatune", "lowered")  # and nothing else: what was memorized is over too soon to be killed
    shutil.copytree(person.home / lowered, tmp_path / lowered)
    person = Person(tmp_path)
    store = person.home / "killed.sqlite"
    command = ("tune", "nets.py:shuffle", "--target", TARGETS[0], "--trials", "20", "--store", store.name, "--json")
    first = person.starts(*command)
    before = _held_when(store, 4, first, lambda: first.send_signal(signal.SIGKILL))
    first.wait()
    assert before < 20, "killed before it was through"

    second = person.starts(*command)
    _held_when(store, before + 1, second, lambda: os.kill(_workers_of(second.pid)[0], signal.SIGKILL))
    out, err = second.communicate(timeout=600)
    assert second.returncode == 0, err
    (result,) = json.loads(out)
    assert result["verified"]
    assert result["best"] == tuned[0]["best"]
    with Store.open(store) as opened:
        recipes = [e.recipe for e in opened.evaluations.of(result["identity"])]
    assert result["evaluations"] == len(recipes) == len(set(recipes)) == tuned[0]["evaluations"]


def _held_when(store: Path, evaluations: int, process: subprocess.Popen[str], act: Callable[[], object]) -> int:
    """Acts once so many are stored, while nobody can store more; how many there were."""
    _wait_until(store.is_file, process)
    deadline = time.monotonic() + 300
    with contextlib.closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as connection:
        while True:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            connection.execute("BEGIN IMMEDIATE")
            try:
                found = _evaluations(connection)
                if found >= evaluations:
                    act()
                    return found
            finally:
                connection.execute("ROLLBACK")
            time.sleep(0.01)


def _evaluations(connection: sqlite3.Connection) -> int:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'evaluations'").fetchone():
        return 0
    (found,) = connection.execute("SELECT count(*) FROM evaluations").fetchone()
    return int(found)


def _wait_until(reached: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _workers_of(driver: int) -> list[int]:
    """Ray's actor processes below a driver: children of its raylet."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)
                words = (entry / "cmdline").read_text()
            except OSError:
                continue
            children.setdefault(int(fields[1].split()[1]), []).append((int(entry.name), words))
    pending, found = [driver], []
    while pending:
        for pid, words in children.get(pending.pop(), []):
            pending.append(pid)
            if words.startswith("ray::RayWorkerProcess"):
                found.append(pid)
    return found
