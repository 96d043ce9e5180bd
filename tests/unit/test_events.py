"""Events are plain data to anyone who asks."""

import dataclasses
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nxtplay import events
from nxtplay.core.files import Content, FileState
from nxtplay.core.state import Change, Secret, Unknown
from nxtplay.errors import Diagnostic, Span

SPAN = Span("site.yml", 3, 5)

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(),
        st.dates(),
        st.text().map(Secret),
        st.text().map(Unknown),
        st.binary().map(Content.of),
    ),
    lambda inner: st.one_of(st.lists(inner), st.tuples(inner), st.dictionaries(st.text(), inner), st.frozensets(st.integers())),
    max_leaves=8,
)


@given(values)
def test_any_result_and_change_is_json(value: Any) -> None:
    event = events.TaskFinished(
        "1", "web1", events.FAILED, result={"it": value}, changes=(Change(("a",), value, None),), diagnostics=(Diagnostic("no", SPAN),)
    )
    told = json.loads(json.dumps(event.as_dict(), allow_nan=False))
    assert told["kind"] == "task_finished"
    assert told["diagnostics"][0]["span"] == "site.yml:3:5"


def test_a_secret_shows_nothing() -> None:
    event = events.TaskFinished(
        "1", "web1", "ok", result={Secret("hunter22"): [Secret("hunter22")]}, changes=(Change(("p",), None, Secret("hunter22")),)
    )
    assert "hunter22" not in json.dumps(event.as_dict())


def test_a_state_is_told_by_its_parts() -> None:
    state = FileState("file", 0o644, content=Content.of(b"hello\n"))
    told = events.TaskFinished("1", "web1", "changed", changes=(Change((), None, state),)).as_dict()
    assert told["changes"][0]["after"]["content"] == "hello\n"


def test_every_event_has_a_kind_of_its_own() -> None:
    kinds = [v.kind for v in vars(events).values() if isinstance(v, type) and issubclass(v, events.Event) and v is not events.Event]
    kinds.remove("event")  # Finished, common to two
    assert len(kinds) == len(set(kinds)) == 11
    assert all(dataclasses.is_dataclass(v) for v in (events.RunStarted, events.RunFinished))
