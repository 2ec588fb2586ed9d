"""The tutorials are run: their Python says what it says there, and their commands end well."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from ivigil.cli.app import run

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder with the examples and a cohort in it, as the tutorials take it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    record = json.loads((ROOT / "examples" / "kinetics" / "pid-adult.json").read_text("utf-8"))
    (tmp_path / "cohort.ndjson").write_text(json.dumps(record) + "\n", "utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("elsewhere")
def test_python_blocks_say_what_they_say(path):
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(path)
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    assert len(examples) >= path.read_text("utf-8").count("```python")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("elsewhere")
def test_commands_end_well(path, capsys):
    commands = [line[2:] for line in path.read_text("utf-8").splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "ivigil"
        assert run(arguments) == 0, f"{command}: {capsys.readouterr().err}"
