"""What reporters print for one run, page by page. `NXTPLAY_GOLDEN=write pytest tests/golden` writes the pages anew: read the diff."""

import io
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from nxtplay.report.classic import Classic
from nxtplay.report.document import Document
from nxtplay.report.html import Html
from nxtplay.report.human import Human
from nxtplay.report.jsonl import JsonLines
from nxtplay.report.junit import JUnit

from . import run

HERE = Path(__file__).parent


def _same(name: str, text: str) -> None:
    page = HERE / name
    if os.environ.get("NXTPLAY_GOLDEN") == "write":
        page.write_text(text, encoding="utf-8")
    assert text == page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "verbosity", "diff", "colours", "check"),
    [
        ("plain.txt", 0, False, False, False),
        ("plain-v-diff.txt", 1, True, False, False),
        ("plain-vvv.txt", 3, False, False, False),
        ("check.txt", 0, False, False, True),
        ("colours.txt", 0, True, True, False),
    ],
)
def test_human(page: str, verbosity: int, diff: bool, colours: bool, check: bool) -> None:
    stream = io.StringIO()
    reporter = Human(stream, verbosity=verbosity, show_diff=diff, colours=colours, clock=lambda: 0.0)
    for event in run.run(check=check):
        reporter.emit(event)
    reporter.close()
    assert ("\x1b" in stream.getvalue()) is colours
    _same(page, stream.getvalue())


@pytest.mark.parametrize(
    ("page", "verbosity", "diff", "as_yaml", "quiet", "check"),
    [
        ("classic.txt", 0, False, False, (), False),
        ("classic-v-diff-yaml.txt", 1, True, True, (), False),
        ("classic-check-quiet.txt", 0, False, False, ("ok", "skipped"), True),
    ],
)
def test_classic(page: str, verbosity: int, diff: bool, as_yaml: bool, quiet: tuple[str, ...], check: bool, monkeypatch: Any) -> None:
    monkeypatch.chdir(HERE.parent.parent)  # paths are told whole
    stream = io.StringIO()
    reporter = Classic(stream, verbosity=verbosity, show_diff=diff, as_yaml=as_yaml, quiet=quiet, notices=stream)
    for event in run.run(check=check):
        reporter.emit(event)
    reporter.close()
    _same(page, stream.getvalue())


def test_document(monkeypatch: Any) -> None:
    monkeypatch.chdir("/")
    stream = io.StringIO()
    reporter = Document(stream, clock=lambda: 1.5)
    for event in run.run():
        reporter.emit(event)
    told = json.loads(stream.getvalue())
    assert told["stats"]["web1"] == {"ok": 3, "changed": 2, "unreachable": 0, "failures": 1, "skipped": 0, "rescued": 0, "ignored": 1}
    _same("document.json", stream.getvalue())


def test_json_lines() -> None:
    stream = io.StringIO()
    reporter = JsonLines(stream, clock=lambda: 1.5)
    for event in run.run():
        reporter.emit(event)
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == [event.kind for event in run.run()]
    _same("run.jsonl", stream.getvalue())


def test_junit(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    reporter = JUnit(str(path))
    for event in run.run():
        reporter.emit(event)
    reporter.close()
    suite = ElementTree.parse(path).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("8", "1", "1", "1")
    _same("junit.xml", path.read_text(encoding="utf-8"))


def test_html(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    reporter = Html(str(path), clock=lambda: 0.0)
    for event in run.run():
        reporter.emit(event)
    reporter.close()
    text = path.read_text(encoding="utf-8")
    assert "http" not in text.replace("http://localhost", "")  # nothing is fetched
    _same("report.html", text)
