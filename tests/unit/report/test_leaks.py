"""A secret in a run's events is in nobody's output: not on the terminal, not in JSON, not in JUnit, not in an excerpt of the playbook."""

import base64
import io
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nxtplay.core.files import Content, FileState
from nxtplay.core.state import Change, Secret
from nxtplay.errors import Diagnostic, Span
from nxtplay.events import (
    Emit,
    Event,
    ItemFinished,
    Notice,
    PlayStarted,
    Recap,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from nxtplay.report import Reporter
from nxtplay.report.html import Html
from nxtplay.report.human import Human
from nxtplay.report.jsonl import JsonLines
from nxtplay.report.junit import JUnit
from nxtplay.report.masking import Masker

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=4, max_size=30).map(
    lambda s: f"Zq9{s}Xw"
)


def _events(secret: str, playbook: str) -> list[Event]:
    span = Span(playbook, 1, 1)
    state = FileState("file", 0o600, content=Content.of(f"A=1\nPASSWORD={secret}\n".encode()))
    command = {"cmd": ["psql", f"postgres://u:{secret}@h"], "rc": 1, "stdout": secret, "stderr": f"x\n{secret}\ny", "msg": f"no {secret}"}
    return [
        RunStarted((playbook,), hosts=("h",)),
        PlayStarted(f"with {secret}", ("h",), span),
        TaskStarted("1", f"use {secret}", "command", span, ("h",), stream=True),
        TaskProgress("1", "h", f"logging in with {secret}"),
        TaskOutput("1", "h", f"a {secret[:5]}"),
        TaskOutput("1", "h", f"{secret[5:]} b\n" + base64.b64encode(secret.encode()).decode()),
        ItemFinished("1", "h", "changed", f"item {secret}", {"env": {secret: secret}}, (Change(("p", secret), None, Secret(secret)),)),
        TaskFinished("1", "h", "failed", result=command, changes=(Change((), None, state),), span=span,
                     diagnostics=(Diagnostic(f"bad {secret}", span, f"not {secret}"),)),
        Notice("warning", f"{secret} is weak", span, "h"),
        RunFinished(Recap({}, 1, 99, f"use {secret}")),
    ]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(secrets, st.sampled_from([0, 1, 3]))
def test_nobody_shows_it(tmp_path: Path, secret: str, verbosity: int) -> None:
    playbook = tmp_path / "site.yml"
    playbook.write_text(f"- password: {secret}\n")
    masker = Masker([secret])
    screen, lines, report = io.StringIO(), io.StringIO(), tmp_path / "junit.xml"
    page = tmp_path / "report.html"
    reporters: list[Reporter] = [
        Human(screen, verbosity=verbosity, show_diff=True, mask=masker.text),
        JsonLines(lines),
        JUnit(str(report), mask=masker.text),
        Html(str(page), mask=masker.text),
    ]

    def each(event: Event) -> None:
        for reporter in reporters:
            reporter.emit(event)

    emit: Emit = masker.guard(each)
    for event in _events(secret, str(playbook)):
        emit(event)
    for reporter in reporters:
        reporter.close()
    encoded = base64.b64encode(secret.encode()).decode()
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    for output in (screen.getvalue(), json.dumps(told, ensure_ascii=False), lines.getvalue(), report.read_text(), page.read_text()):
        assert "********" in output
        for form in (secret, encoded, json.dumps(secret)[1:-1], secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")):
            assert form not in output
