"""What a person mistypes ends in one line that says where to read on, status 2, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.cli import main

_JUNK = '{"recipes": '


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for kind in ("CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "No such command 'nonsense'; velatune --help lists what it takes"),
        ("lookup", "Missing argument 'MODEL'; velatune lookup --help lists what it takes"),
        ("lookup fire", "Missing option '--target'; velatune lookup --help lists what it takes"),
        ("lookup fire --nonsense", "No such option '--nonsense'"),
        ("tune fire --target ethos-u55-128 --max-sram 0", "Invalid value for '--max-sram'"),
        ("tune fire --target ethos-u55-128 --sampler nonsense", "Invalid value for '--sampler'"),
        ("tune fire --target ethos-u55-128 --timeout nan", "Invalid value for '--timeout': 'nan' is no finite number"),
        ("tune fire --target ethos-u55-128 --min-metric inf", "Invalid value for '--min-metric': 'inf' is no"),
        ("import gone.json", "File 'gone.json' does not exist; velatune import --help lists what it takes"),
        ("import folder", "File 'folder' is a directory"),
        ("import junk.json", "junk.json cannot be imported: Invalid JSON"),
        ("export --out folder", "File 'folder' is a directory"),
        ("export --out junk.json/recipes.json", "junk.json"),
        ("export --store junk.json", "junk.json is not a velatune store"),
        ("token create ci --role nonsense", "velatune token create --help lists what it takes"),
        ("nightly folder", "File 'folder' is a directory"),
    ],
)
def test_one_line_says_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    (folder / "folder").mkdir()
    (folder / "junk.json").write_text(_JUNK)
    monkeypatch.setattr("sys.argv", ["velatune", *line.split()])
    # The command line ends on SIGTERM in its own way, this process does not.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1, err
    assert said in err
    assert {path.name for path in folder.iterdir()} - {"home"} == {"folder", "junk.json"}
    assert (folder / "junk.json").read_text() == _JUNK and not any((folder / "folder").iterdir())
