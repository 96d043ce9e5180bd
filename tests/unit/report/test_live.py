"""The live view: what stays is what was said, what is live goes away."""

import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from nxtplay.events import (
    Counts,
    Event,
    Notice,
    PlayFinished,
    PlayStarted,
    Recap,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from nxtplay.report.human import Human
from nxtplay.report.screen import Screen

from .terminal import Terminal

lines = st.text(st.characters(min_codepoint=32, exclude_categories=["C", "Zl", "Zp", "M"]), max_size=120)


@given(st.lists(st.one_of(lines.map(lambda t: ("write", [t])), st.lists(lines, max_size=4).map(lambda t: ("draw", t))), max_size=12))
def test_what_is_written_stays_and_what_is_drawn_goes(steps: list[tuple[str, list[str]]]) -> None:
    terminal = Terminal()
    screen = Screen(terminal, live=True, tick=lambda: None)
    said: list[str] = []
    for action, texts in steps:
        if action == "write":
            said += texts
            screen.write(f"{texts[0]}\n")
        else:
            screen.draw(texts)
        assert terminal.lines[: len(said)] == said
    screen.close()
    assert terminal.lines == [*said, ""]


@given(st.lists(lines, min_size=1, max_size=4))
def test_live_lines_never_wrap(texts: list[str]) -> None:
    terminal = Terminal()
    screen = Screen(terminal, live=True, tick=lambda: None)
    screen.draw(texts)
    assert terminal.at_most <= screen.size()[0] - 1


def _human(now: Callable[[], float]) -> tuple[Terminal, Human]:
    terminal = Terminal()
    human = Human(terminal, live=True, clock=now)
    human.screen.wake = lambda: None  # type: ignore[method-assign]  # this test ticks by hand
    return terminal, human


def _emit(human: Human, *events: Event) -> None:
    for event in events:
        human.emit(event)


def test_a_running_task_has_a_line_with_its_step_and_last_output() -> None:
    clock = [0.0]
    terminal, human = _human(lambda: clock[0])
    _emit(human, RunStarted(("x",), hosts=("h",)), PlayStarted("P", ("h",)), TaskStarted("1", "Build", "shell", hosts=("h",)))
    human._tick()
    assert terminal.lines == ["", "PLAY [P] on h", ""]  # too young for a line
    clock[0] = 12.0
    _emit(human, TaskProgress("1", "h", "step 2/3"), TaskOutput("1", "h", "one\ntw"), TaskOutput("1", "h", "o\nthree\n"))
    human._tick()
    assert terminal.lines[2:] == ["⠋ Build  12s  step 2/3 · three", "  12s"]
    _emit(human, Notice("warning", "look"))
    assert terminal.lines[2:] == ["warning: look", "⠋ Build  12s  step 2/3 · three", "  12s"]
    _emit(human, TaskFinished("1", "h", "ok"), PlayFinished("P"), RunFinished(Recap({"h": Counts(ok=1)}, 12)))
    human.close()
    assert terminal.lines[2:] == ["warning: look", "  1 ok", "", "PLAY RECAP", "h : ok=1    changed=0    failed=0", "", "Done in 12s.", ""]


def test_output_that_was_asked_for_is_kept() -> None:
    clock = [0.0]
    terminal, human = _human(lambda: clock[0])
    _emit(human, RunStarted(("x",), hosts=("h",)), TaskStarted("1", "Logs", "shell", hosts=("h",), stream=True))
    _emit(human, TaskOutput("1", "h", "one\ntw"), TaskOutput("1", "h", "o\nend"), TaskFinished("1", "h", "ok"))
    assert terminal.lines == ["    one", "    two", "    end", ""]


def test_many_hosts_take_a_few_lines() -> None:
    clock = [0.0]
    terminal, human = _human(lambda: clock[0])
    hosts = tuple(f"h{n}" for n in range(50))
    _emit(human, RunStarted(("x",), hosts=hosts), TaskStarted("1", "Build", hosts=hosts))
    clock[0] = 1.0
    human._tick()
    assert len(terminal.lines) == 10
    assert terminal.lines[-2] == "  … and 42 more"


def test_nothing_is_drawn_while_somebody_is_asked() -> None:
    terminal, human = _human(lambda: 5.0)
    human.screen.draw(["live"])
    with human.screen.paused():
        assert terminal.lines == [""]
        human.screen.draw(["live"])
        assert terminal.lines == [""]
    human.screen.draw(["live"])
    assert terminal.lines == ["live"]


def test_it_draws_by_itself_and_ends() -> None:
    terminal = Terminal()
    human = Human(terminal, live=True)
    _emit(human, RunStarted(("x",), hosts=("h",)), TaskStarted("1", "Build", hosts=("h",)))
    end = time.monotonic() + 5
    while "Build" not in terminal.lines[0] and time.monotonic() < end:
        time.sleep(0.02)
    assert "Build" in terminal.lines[0]
    human.close()
    assert terminal.lines == [""]


class Gone(Terminal):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    human = Human(Gone())
    _emit(human, PlayStarted("P", ("h",)), PlayFinished("P"))
    human.close()


def test_a_plain_log_says_after_a_minute_that_a_task_still_runs() -> None:
    clock = [0.0]
    terminal = Terminal()
    human = Human(terminal, clock=lambda: clock[0])
    _emit(human, RunStarted(("x",), hosts=("h",)), TaskStarted("1", "Build", hosts=("h",)), TaskOutput("1", "h", "npm ci\n"))
    for clock[0] in (30.0, 61.0, 90.0, 122.0):
        human._tick()
    human.close()
    assert terminal.lines == ["  running     h  Build  1m01s  npm ci", "  running     h  Build  2m02s  npm ci", ""]


def test_a_message_stays_that_a_task_gives_for_changed() -> None:
    terminal, human = _human(lambda: 0.0)
    _emit(human, RunStarted(("x",), hosts=("h",)), PlayStarted("P", ("h",)), TaskStarted("1", "Say", "debug", hosts=("h",)),
          TaskFinished("1", "h", "changed", result={"msg": "hello"}))
    assert "    hello" in terminal.lines
