"""The examples in deploy/ are what the programs they are for can read, as far as these are here."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tuner.cli import cli
from tuner.nightly.suite_file import read_suite

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def test_the_example_suite_is_one(tmp_path):
    assert len(read_suite(DEPLOY / "nightly.toml").jobs(tmp_path)) == 7


def commands(text: str) -> list[list[str]]:
    """What examples ask velatune to do."""
    return [line.split() for line in re.findall(r"velatune (\w+ \S+\.toml(?: --[a-z]+)*)", text)]


@pytest.mark.parametrize("path", [*DEPLOY.rglob("*"), *(REPOSITORY / "docs").glob("nightly.md")], ids=lambda p: p.name)
def test_commands_in_examples_are_known(path):
    for subcommand, _, *options in commands(path.read_text()) if path.is_file() else ():
        told = CliRunner().invoke(cli, [subcommand, "--help"])
        assert told.exit_code == 0
        assert all(option in told.output for option in options)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_reads_the_units(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        # The program that it starts is not installed here.
        text = unit.read_text().replace("/opt/velatune/bin/velatune", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = sorted(map(str, tmp_path.iterdir()))
    told = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    ours = [line for line in told.stderr.splitlines() if "velatune" in line]
    assert (told.returncode, ours) == (0, [])


def test_the_cron_line_has_a_schedule_and_a_user():
    (line,) = [line for line in (DEPLOY / "cron" / "velatune").read_text().splitlines() if re.match(r"[\d*]", line)]
    *schedule, user, command = line.split(maxsplit=6)
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in schedule)
    assert (user, command.split()[0]) == ("velatune", "flock")


def test_github_keeps_the_store_that_the_suite_names():
    (workflow,) = documents(DEPLOY / "github" / "nightly.yml")
    assert workflow[True]["schedule"]  # YAML reads the key `on` as a truth value
    steps = workflow["jobs"]["nightly"]["steps"]
    restored, saved = [step["with"] for step in steps if "cache" in step.get("uses", "")]
    assert restored["path"] == saved["path"]
    assert f"deploy/{read_suite(DEPLOY / 'nightly.toml').store}" in restored["path"].split()


def test_a_regression_is_not_tried_again_by_kubernetes():
    claim, cron = documents(DEPLOY / "kubernetes" / "nightly-cronjob.yaml")
    job = cron["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    assert pod["restartPolicy"] == "Never"  # what a podFailurePolicy asks for
    assert job["podFailurePolicy"]["rules"][0]["onExitCodes"]["containerName"] == pod["containers"][0]["name"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for container in (*pod["initContainers"], *pod["containers"]):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_the_image_has_all_of_the_product():
    copied = re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert {"velatune", "search_space", "workers", "tuner", "results", "pyproject.toml"} <= names
    assert all((REPOSITORY / name).exists() for name in names)


def test_a_sweep_is_the_same_once_and_every_night():
    (once,) = documents(DEPLOY / "kubernetes" / "sweep-rayjob.yaml")
    (nightly,) = documents(DEPLOY / "kubernetes" / "sweep-raycronjob.yaml")
    assert nightly["spec"]["jobTemplate"] == once["spec"]
    cluster = once["spec"]["rayClusterSpec"]
    assert f"ray[default]=={cluster['rayVersion']}" in (REPOSITORY / "pyproject.toml").read_text()
    assert cluster["authOptions"] == {"mode": "token"}
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            # Workers keep what they remember at the driver's path.
            cache = {"name": "XDG_CACHE_HOME", "value": "/cache"}
            assert "env" not in container or cache in container["env"]
