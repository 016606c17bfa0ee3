"""Suite files: what they may say, and what a person learns about the rest."""

from pathlib import Path

import pytest

from search_space.exactness import Exactness
from tuner.nightly.suite_file import read_suite
from tuner.tuning.objective import Objective
from workers.checking.allowance import Allowance, Metric
from workers.errors import ModelError

WHOLE = """
models = [
  "fire",
  {source = "net.py:make", targets = [{name = "ethos-u65-256", memory_mode = "Sram_Only"}], io_layout = "nhwc"},
]
targets = ["ethos-u55-128", "ethos-u85-256", "ETHOS-U55-128"]
fresh_days = 2
[budget]
seconds = 3600
candidates = 10
[limits]
best_percent = 0
[objective]
kind = "vela"
max_sram = 100000
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_whole_file(tmp_path):
    suite = read_suite(write(tmp_path, WHOLE))
    assert suite.name == "mine"
    jobs = [(job.source, job.target.label, job.io_layout) for job in suite.jobs(tmp_path)]
    assert jobs == [
        ("fire", "ethos-u55-128", None),
        ("fire", "ethos-u85-256", None),
        ("net.py:make", "ethos-u65-256, Sram_Only", "nhwc"),
    ]
    assert {str(suite.objective_of(job)) for job in suite.jobs(tmp_path)} == {str(Objective("vela", 100_000))}
    assert suite.night_limits().best_percent == 0


def test_what_may_be_given_up_is_said_for_all_models_or_for_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def accuracy(outputs, expected): return 1.0")
    text = """
models = [
  "fire",
  {source = "vit", allow_precision = 3},
  {source = "unet", allow_requant = false},
  {source = "crnn", allow_requant = 1.5, metric = "own.py:accuracy", min_metric = 0.9},
]
targets = ["ethos-u55-128"]
[objective]
allow_requant = true
"""
    suite = read_suite(write(tmp_path, text))
    jobs = suite.jobs(tmp_path)
    requant, precision = Exactness.REQUANTISING, Exactness.PRECISION
    allowed = [Allowance(requant), Allowance(precision, 3.0), Allowance()]
    assert [job.allowance for job in jobs] == [*allowed, Allowance(requant, 1.5, Metric.of("own.py:accuracy", 0.9))]
    assert [suite.objective_of(job).allowance for job in jobs] == [job.allowance for job in jobs]
    assert [job.options for job in jobs] == [
        "up to requantising, at most 0.5 dB less",
        "up to precision, at most 3 dB less",
        "",
        "up to requantising, own.py:accuracy at least 0.9",
    ]


def test_what_a_job_is_distinguished_by(tmp_path):
    model = '{source = "net.py:make", io_layout = "nhwc", calibration_data = "mine", allow_requant = 1}'
    (job,) = read_suite(write(tmp_path, f"models = [{model}]\ntargets = ['ethos-u55-128']")).jobs(tmp_path)
    assert job.options == "nhwc inputs; calibrated on mine; up to requantising, at most 1 dB less"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("allow_requant = 1\nallow_precision = 1", "objective: allow_precision allows what allow_requant does"),
        ("metric = 'own.py:f'\nallow_requant = 1", "objective: metric and min_metric go together"),
        ("metric = 'none.py:f'\nmin_metric = 1\nallow_requant = 1", "none.py: cannot be read"),
        (f"metric = '{__file__}:f'\nmin_metric = 1", "metric measures what is not exact: give allow_requant or"),
    ],
)
def test_what_contradicts_itself_is_reported(tmp_path, text, reported):
    suite = read_suite(write(tmp_path, f"models = ['fire']\ntargets = ['ethos-u55-128']\n[objective]\n{text}"))
    with pytest.raises(ModelError) as error:
        suite.jobs(tmp_path)
    assert str(error.value).startswith("suite mine: ") and reported in str(error.value)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("models = [", "not TOML"),
        ("targets = ['ethos-u55-128']", "models: is missing"),
        ("models = []", "models: "),
        ("models = ['fire']\ntagrets = ['ethos-u55-128']", "tagrets: unknown name"),
        ("models = ['fire', {source = 'fire', io_layout = 'nwhc'}]", "models[2].io_layout: input should be 'nchw'"),
        ("models = ['fire', 3]", "models[2]: "),
        ("models = ['fire']\n[budget]\nseconds = -1", "budget.seconds: input should be greater than 0"),
        ("models = ['fire']\n[budget]\nseconds = 'an hour'", "budget.seconds: "),
        ("models = ['fire']\nattempts = 0\nseed = -1", "(and 1 more)"),
        ("models = ['fire']\nname = ''", "name: "),
        ("models = ['fire']\n[objective]\nallow_requant = -1", "objective.allow_requant: "),
        ("models = [{source = 'fire', allow_precision = inf}]", "models[1].allow_precision: "),
        ("models = ['fire']\n[budget]\nseconds = nan", "budget.seconds: input should be "),
        ("models = ['fire']\n[objective]\nmin_metric = nan", "objective.min_metric: input should be a finite number"),
    ],
)
def test_a_bad_file_is_reported_in_one_line_with_the_place(tmp_path, text, reported):
    with pytest.raises(ModelError) as error:
        read_suite(write(tmp_path, text))
    line = str(error.value)
    assert line.startswith(str(tmp_path / "mine.toml"))
    assert reported in line
    assert "\n" not in line


def test_what_only_vela_knows_is_reported_when_jobs_are_made(tmp_path):
    with pytest.raises(ModelError, match="ethos-u56-128: unknown accelerator"):
        read_suite(write(tmp_path, "models = ['fire']\ntargets = ['ethos-u56-128']")).jobs(tmp_path)
    with pytest.raises(ModelError, match="fire has no targets"):
        read_suite(write(tmp_path, "models = ['fire']")).jobs(tmp_path)


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_suite(tmp_path / "none.toml")
