"""Records: JSON both ways, keys, and what they refuse."""

import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.sample_results import KEY_FIELDS, mutated

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.figures import FIGURE_NAMES, Figures, OperatorRow
from results.records.identity import Identity, Target
from results.records.record import LABELS, RUN_STATUSES, STATUSES

text = st.text(st.characters(codec="utf-8"), max_size=20)
whole = st.integers(0, 2**63 - 1)
seconds = st.floats(0, 1e9)
names = st.sampled_from(["a", "b", "c"])
facts = st.dictionaries(names, text)
known = st.fixed_dictionaries({"system_config": text, "memory_mode": text, "vela_config": text})
identities = st.builds(
    Identity, text, text, st.builds(Target, text, text, known), st.fixed_dictionaries({"scheme": text}, optional={
        "calibrated_on": text}), st.fixed_dictionaries({"torch": text, "ethos-u-vela": text}), text,
    st.fixed_dictionaries({"minimised": text}),
)  # fmt: skip
metrics = st.dictionaries(text.filter(lambda name: name not in FIGURE_NAMES), whole, max_size=3)
figures = st.builds(Figures, **dict.fromkeys(FIGURE_NAMES, whole), metrics=metrics, label=st.sampled_from(LABELS))
operators = st.lists(st.builds(OperatorRow, whole, text, text, text, whole, whole), max_size=3).map(tuple)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
evaluations = st.builds(
    Evaluation,
    identity_key=text, recipe=text, program_hash=text, status=st.just("ok"), figures=figures,
    verified=st.booleans(), check=st.dictionaries(text, plain, max_size=3),
    command_stream_sha256=st.lists(text, max_size=3).map(tuple), operators=operators, attempts=whole,
    seconds=seconds, created=text,
) | st.builds(
    Evaluation,
    identity_key=text, recipe=text, program_hash=text, status=st.sampled_from(STATUSES[1:]), reason=text,
    figures=st.none() | figures, attempts=whole, seconds=seconds,
)  # fmt: skip
bests = st.builds(
    Best,
    identities,
    evaluations,
    evaluations,
    text,
    whole,
    whole,
    seconds,
    st.sampled_from(RUN_STATUSES),
    whole,
)


@given(st.one_of(identities, figures, evaluations, bests))
def test_records_survive_json(record):
    again = type(record).from_json(json.loads(json.dumps(record.to_json())))
    assert again == record


@given(identities, st.sampled_from(KEY_FIELDS), text)
def test_key_changes_with_every_field_but_the_name(identity, path, value):
    other = mutated(identity, path, value)
    assert (other.key == identity.key) == (other == identity)
    assert dataclasses.replace(identity, model_name=value).key == identity.key


def test_key_does_not_confuse_fields():
    one = Identity("m", "n", Target("f", "a", {"board": "b"}), {"q": "1"}, {"torch": "2"}, "s", {"o": "3"})
    other = mutated(mutated(one, ("target", "name"), "ab"), ("target", "facts", "board"), "")
    assert one.key != other.key


def test_key_is_the_same_in_every_process():
    # Written down: a change of the key's making orphans every stored result and must be meant.
    identity = Identity("m", "n", Target("f", "a", {"y": "b", "x": "c"}), {"q": "1"}, {"torch": "2"}, "s", {"o": "3"})
    content = (
        '{"io_layout":"nchw","model_hash":"m","objective":{"o":"3"},"quantisation":{"q":"1"},'
        '"search_space_version":"s","target":{"facts":{"x":"c","y":"b"},"family":"f","name":"a"},'
        '"versions":{"torch":"2"}}'
    )
    assert identity.key == hashlib.sha256(content.encode()).hexdigest()


FIGURES = Figures(1, 2, 3, {"npu_ops": 4})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "fine"}, "status"),
        ({"figures": None}, "figures"),
        ({"reason": "but"}, "reason"),
        ({"status": "wrong", "reason": "differs"}, "verified"),
        ({"seconds": float("nan")}, "seconds"),
        ({"attempts": -1}, "attempts"),
    ],
)
def test_contradictions_are_refused(change, message):
    sound = {
        "identity_key": "k", "recipe": "default", "program_hash": "p", "status": "ok", "figures": FIGURES,
        "verified": True,
    }  # fmt: skip
    Evaluation(**sound)
    with pytest.raises(ValueError, match=message):
        Evaluation(**{**sound, **change})


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "7", None])
@pytest.mark.parametrize("name", FIGURE_NAMES)
def test_figures_are_whole_numbers(name, value):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(FIGURES, **{name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("metrics"), "metrics"),
        (lambda data: data["metrics"].update(npu_ops="4"), "npu_ops"),
        (lambda data: data.update(extra=1), "extra"),
        (lambda data: data.update(cycles="12"), "cycles"),
        (lambda data: data.update(label="guessed"), "label"),
    ],
)
def test_foreign_json_is_refused_in_one_line(change, message):
    data = FIGURES.to_json()
    change(data)
    with pytest.raises(ValueError, match=message) as error:
        Figures.from_json(data)
    assert "\n" not in str(error.value)
