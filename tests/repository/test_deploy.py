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


#: A command line in a file of any kind: at the beginning of a line, by its path, quoted, or as what a job runs.
_COMMAND_LINE = re.compile(r"(?:^|bin/|`|entrypoint: |-- )velatune ([a-z]+)([^`#>|\n]*)", re.MULTILINE)
#: The same as arguments of a container.
_ARGUMENTS = re.compile(r"args: \[([a-z]+), ([^\]]*)\]")

#: Files that start nothing themselves: whoever runs the image names the command, and the timer starts the service.
_WITHOUT_COMMAND = ("Dockerfile", "velatune-nightly.timer")


def commands(text: str) -> list[list[str]]:
    """What examples ask velatune to do: a subcommand and its arguments."""
    lines = [[name, *more.split()] for name, more in _COMMAND_LINE.findall(text)]
    return lines + [[name, *more.split(", ")] for name, more in _ARGUMENTS.findall(text)]


def files() -> list[Path]:
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file())


def known(command: list[str]) -> bool:
    """Whether there is the subcommand, with all of these options."""
    subcommand, *arguments = command
    reported = CliRunner().invoke(cli, [subcommand, "--help"])
    options = [one.partition("=")[0] for one in arguments if one.startswith("--")]
    return reported.exit_code == 0 and all(option in reported.output for option in options)


@pytest.mark.parametrize(
    "path", [*files(), *(REPOSITORY / "docs" / f"{name}.md" for name in ("nightly", "sweep"))], ids=lambda p: p.name
)
def test_commands_in_examples_are_known(path: Path) -> None:
    found = commands(path.read_text())
    assert bool(found) == (path.name not in _WITHOUT_COMMAND)
    assert [command for command in found if not known(command)] == []


@pytest.mark.parametrize(
    "text",
    ["/opt/bin/velatune nightli suite.toml", "args: [nightly, a.toml, --no-such]", "`velatune sweep --nowhere=1`"],
)
def test_an_unknown_command_is_found(text: str) -> None:
    (command,) = commands(text)
    assert not known(command)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_reads_the_units(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        # The program that it starts is not installed here.
        text = unit.read_text().replace("/opt/velatune/bin/velatune", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = sorted(map(str, tmp_path.iterdir()))
    reported = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    ours = [line for line in reported.stderr.splitlines() if "velatune" in line]
    assert (reported.returncode, ours) == (0, [])


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
