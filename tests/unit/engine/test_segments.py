"""Tasks that travel together give what they give one by one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playing import play, story

from nxtplay.engine.options import Options


def text(*tasks: dict[str, Any], handlers: tuple[dict[str, Any], ...] = (), **keywords: Any) -> str:
    whole = {"hosts": "all", "gather_facts": False, **keywords, "tasks": list(tasks)}
    if handlers:
        whole["handlers"] = list(handlers)
    return yaml.safe_dump([whole], sort_keys=False)


def copy(path: str, content: str = "x\n", **more: Any) -> dict[str, Any]:
    return {"copy": {"dest": path, "content": content}, **more}


def test_tasks_that_ask_nothing_of_each_other_are_one_message(tmp_path: Path) -> None:
    tasks = [copy(str(tmp_path / f"f{n}")) for n in range(10)]
    recap, _, messages = play(text(*tasks), tmp_path)
    assert recap.exit_code == 0
    assert messages == [["copy"] * 10]


def test_a_loop_is_one_message(tmp_path: Path) -> None:
    task = copy(str(tmp_path) + "/{{ item }}", loop=list("abcdef"))
    _, _, messages = play(text(task, {"stat": {"path": str(tmp_path / "a")}}), tmp_path)
    assert messages == [["copy"] * 6 + ["stat"]]


def test_a_task_that_uses_a_registered_value_waits_for_it(tmp_path: Path) -> None:
    tasks = (
        {"command": "echo one", "register": "first"},
        {"command": "echo two"},
        {"command": "echo {{ first.stdout }}", "register": "third"},
        {"assert": {"that": "third.stdout == 'one'"}},
    )
    recap, _, messages = play(text(*tasks), tmp_path)
    assert recap.exit_code == 0
    assert messages == [["command", "command"], ["command"]]


@pytest.mark.parametrize("use", ["{{ hostvars['one'].first.stdout }}", "{{ lookup('vars', 'first').stdout }}", "{{ derived }}"])
def test_a_value_is_waited_for_by_whatever_way_it_is_reached(use: str, tmp_path: Path) -> None:
    tasks = ({"command": "echo one", "register": "first"}, {"command": f"echo {use}", "register": "second"})
    check = {"assert": {"that": "second.stdout == 'one'"}}
    recap, _, messages = play(text(*tasks, check, vars={"derived": "{{ first.stdout }}"}), tmp_path)
    assert recap.exit_code == 0
    assert messages == [["command"], ["command"]]


def test_words_of_the_controller_in_between_do_not_part_a_message(tmp_path: Path) -> None:
    tasks = (
        {"command": "echo one", "register": "first"},
        {"debug": {"msg": "{{ known }}"}},
        {"set_fact": {"made": "{{ known }}"}},
        {"command": "echo {{ known }}"},
        {"command": "echo {{ made }}", "register": "second"},
        {"debug": {"msg": "{{ first.stdout }}"}},
        {"command": "echo last"},
        {"assert": {"that": "second.stdout == '1'"}},
    )
    recap, _, messages = play(text(*tasks, vars={"known": 1, "made": 0}), tmp_path)
    assert recap.exit_code == 0
    assert messages == [["command", "command"], ["command", "command"]]


def test_nothing_behind_a_failed_word_has_happened(tmp_path: Path) -> None:
    tasks = (copy(str(tmp_path / "before")), {"set_fact": {"x": "{{ missing_name }}"}, "when": "true"}, copy(str(tmp_path / "after")))
    recap, _, _ = play(text(*tasks), tmp_path)
    assert recap.exit_code == 2
    assert (tmp_path / "before").exists()
    assert not (tmp_path / "after").exists()


def test_nothing_behind_a_failure_has_happened(tmp_path: Path) -> None:
    tasks = (copy(str(tmp_path / "before")), {"command": "/bin/false"}, copy(str(tmp_path / "after")))
    recap, _, messages = play(text(*tasks), tmp_path)
    assert recap.exit_code == 2
    assert messages == [["copy", "command", "copy"]]
    assert (tmp_path / "before").exists()
    assert not (tmp_path / "after").exists()


def test_a_failed_item_does_not_keep_the_other_items_from_running(tmp_path: Path) -> None:
    tasks = ({"command": "test {{ item }} != 2", "loop": [1, 2, 3], "register": "r", "ignore_errors": False}, copy(str(tmp_path / "after")))
    recap, events, _ = play(text(*tasks), tmp_path)
    assert [e.status for e in events if e.kind == "item_finished"] == ["changed", "failed", "changed"]  # type: ignore[attr-defined]
    assert recap.exit_code == 2
    assert not (tmp_path / "after").exists()


def test_batch_can_be_turned_off(tmp_path: Path) -> None:
    tasks = [copy(str(tmp_path / f"f{n}")) for n in range(3)]
    assert play(text(*tasks), tmp_path, options=Options(batch=False))[2] == [["copy"]] * 3
    tasks[1]["batch"] = False
    assert play(text(*tasks), tmp_path)[2] == [["copy"], ["copy"], ["copy"]]


def test_with_several_hosts_only_what_is_private_runs_ahead(tmp_path: Path) -> None:
    tasks = (copy(str(tmp_path) + "/{{ inventory_hostname }}-1"), copy(str(tmp_path) + "/{{ inventory_hostname }}-2"), {"command": "echo"})
    _, _, messages = play(text(*tasks), tmp_path, hosts="one,two")
    assert sorted(messages) == [["command"], ["command"], ["copy", "copy"], ["copy", "copy"]]


NAMES = st.sampled_from(["r1", "r2", "r3"])
PATHS = st.sampled_from(["a", "b", "d/c"])


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["copy", "file", "command", "debug", "set_fact", "stat", "lineinfile"]))
    path = "{{ root }}/" + draw(PATHS)
    used = draw(st.one_of(st.none(), NAMES))
    value = "plain" if used is None else "{{ (" + used + " | default({})).rc | default('none') }}"
    task: dict[str, Any] = {
        "copy": {"copy": {"dest": path, "content": value}},
        "file": {"file": {"path": path, "state": draw(st.sampled_from(["absent", "touch", "directory"]))}},
        "command": {"command": draw(st.sampled_from(["echo " + value, "/bin/false", "test -e " + path]))},
        "debug": {"debug": {"msg": value}},
        "set_fact": {"set_fact": {draw(NAMES): {"rc": value}}},
        "stat": {"stat": {"path": path}},
        "lineinfile": {"lineinfile": {"path": path, "line": value, "create": True}},
    }[kind]
    if draw(st.booleans()) and kind != "set_fact":
        task["register"] = draw(NAMES)
    if draw(st.integers(0, 4)) == 0:
        task["when"] = draw(NAMES) + " is defined"
    if draw(st.integers(0, 4)) == 0 and kind != "set_fact":
        task["loop"] = [1, 2]
    if draw(st.integers(0, 2)) == 0:
        task["ignore_errors"] = True
    if draw(st.integers(0, 5)) == 0:
        task["changed_when"] = draw(st.sampled_from([True, False]))
    if draw(st.integers(0, 5)) == 0:
        task["failed_when"] = draw(st.sampled_from([False, "false"]))
    if draw(st.integers(0, 2)) == 0:
        task["notify"] = "handled"
    return task


@st.composite
def plays(draw: st.DrawFn) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        some = draw(st.lists(tasks(), min_size=1, max_size=4))
        if draw(st.integers(0, 3)) == 0:
            block: dict[str, Any] = {"block": some}
            if draw(st.booleans()):
                block["rescue"] = draw(st.lists(tasks(), min_size=1, max_size=2))
            if draw(st.booleans()):
                block["always"] = draw(st.lists(tasks(), min_size=1, max_size=2))
            out.append(block)
        else:
            out += some
    return out


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else "/" for p in sorted(folder.rglob("*"))}


# the second item of a loop, behind another task, asks for what the first registered
LOOKS_BACK: list[dict[str, Any]] = [
    {"command": "echo one"},
    {"command": "echo {{ (r2 | default({})).rc | default('none') }}", "register": "r2", "loop": [1, 2]},
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plays(), st.booleans())
@example(LOOKS_BACK, False)
def test_a_play_tells_and_leaves_the_same_with_and_without_segments(tmp_path: Path, play_tasks: list[dict[str, Any]], check: bool) -> None:
    stories, trees, recaps = [], [], []
    handlers = ({"name": "handled", "command": "echo handled"},)
    for name, batch in (("on", True), ("off", False)):
        root = tmp_path / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        whole = text(*play_tasks, handlers=handlers, vars={"root": str(root)})
        recap, events, _ = play(whole, tmp_path, options=Options(batch=batch, check=check))
        stories.append(story(events))
        trees.append(tree(root))
        recaps.append(replace(recap, seconds=0.0))
    assert stories[0] == stories[1]
    assert trees[0] == trees[1]
    assert recaps[0] == recaps[1]
