"""The document that `velatune tune --json` prints keeps its contract, and its page describes it."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.samples.sample_results import best

from results.reports.tune_json import TuneFailureJson, TuneJson, tune_json
from search_space.recipe.space import SPACE_VERSION
from workers.ethos_u.backend import BACKEND


def test_tune_json_keeps_the_contract():
    document = json.loads(json.dumps(tune_json(best())))
    assert document.keys() >= {
        "model", "target", "status", "default", "best", "recipe", "verified", "evaluations", "distinct",
        "seconds", "versions",
    }  # fmt: skip
    for side in ("default", "best"):
        assert document[side].keys() >= {
            "cycles", "sram_bytes", "flash_bytes", "metrics",
        }  # fmt: skip
        assert document[side]["metrics"].keys() >= {"vela_cycles", "transposes", "npu_ops", "host_ops"}
    assert (document["model"], document["target"]) == ("nets/keyword.py:build", "ethos-u55-128")
    assert (document["default"]["cycles"], document["best"]["cycles"]) == (100, 60)
    assert document["verified"] is True
    assert TuneJson.model_validate(document, strict=True).model_dump(exclude_unset=True) == document
    assert "pareto" not in document, "nobody asked for it"


@pytest.mark.parametrize("change", [{"extra": 1}, {"seconds": "long"}, {"status": "done"}, {"best": None}])
def test_tune_json_schema_refuses(change):
    with pytest.raises(ValidationError):
        TuneJson.model_validate(tune_json(best()) | change, strict=True)


def test_tune_json_page_describes_every_field():
    page = (Path(__file__).parents[3] / "docs" / "tune-json.md").read_text()
    tuned, failure = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.S))
    TuneJson.model_validate(tuned, strict=True)
    assert tuned["search_space_version"] == SPACE_VERSION
    TuneFailureJson.model_validate(failure, strict=True)
    described = set(re.findall(r"`(\w+)`", page))
    schema = TuneJson.model_json_schema()
    for part in (schema, TuneFailureJson.model_json_schema(), *schema["$defs"].values()):
        assert part["properties"].keys() <= described
    for metric in BACKEND.metrics:
        assert f"| `{metric.name}` | {metric.description} |" in page
    assert {metric.name for metric in BACKEND.metrics} == tuned["best"]["metrics"].keys()
