"""command, shell, raw: what they register, how they fail, what a check says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import ArgErrors, decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import registry


def run(module: str, emitted: list[Any] | None = None, **args: Any) -> Outcome:
    host = Host(
        World(), emit=(lambda kind, data: emitted.append((kind, data))) if emitted is not None else None, environ={"GREETING": "hi"}
    )
    return converge(decode(registry.load(module), args), host, World(), host)


def check(*tasks: tuple[str, dict[str, Any]]) -> list[Outcome]:
    world = World()
    return [converge(decode(registry.load(name), args), Reader(world), world, None) for name, args in tasks]


def test_words_are_split_as_a_shell_does_and_variables_filled_in() -> None:
    done = run("command", cmd="printf '%s|' \"a b\" $GREETING ${GREETING} $UNSET_NAME ~")
    assert done.result["stdout"].startswith("a b|hi|hi|$UNSET_NAME|/")
    assert run("command", argv=["printf", "%s", "$GREETING"], expand_argument_vars=False).result["stdout"] == "$GREETING"


def test_what_is_registered() -> None:
    done = run("shell", cmd="echo out; echo err >&2; printf '\\n\\n'")
    assert done.status == "changed"
    assert (done.result["stdout"], done.result["stderr"], done.result["rc"]) == ("out", "err", 0)
    assert set(done.result) == {"cmd", "rc", "stdout", "stderr", "start", "end", "delta", "msg"}
    assert run("shell", cmd="printf 'a\\n\\n'", strip_empty_ends=False).result["stdout"] == "a\n\n"


def test_a_return_code_fails_with_everything_it_said() -> None:
    done = run("shell", cmd="echo out; echo err >&2; exit 3")
    assert done.status == "failed"
    assert {k: done.result[k] for k in ("rc", "stdout", "stderr", "msg")} == {
        "rc": 3,
        "stdout": "out",
        "stderr": "err",
        "msg": "non-zero return code",
    }


def test_a_program_that_is_not_there_fails_with_its_name() -> None:
    done = run("command", cmd="no-such-program -x")
    assert done.status == "failed"
    assert "no-such-program" in done.result["msg"]


def test_output_that_is_no_utf8_fits_into_json() -> None:
    done = run("shell", cmd="printf 'a\\377b'")
    assert done.result["stdout"] == "a\ufffdb"
    json.dumps(done.result).encode("utf-8")


def test_stdin_gets_a_newline_unless_told_otherwise() -> None:
    assert run("command", cmd="wc -c", stdin="abc").result["stdout"].strip() == "4"
    assert run("command", cmd="wc -c", stdin="abc", stdin_add_newline=False).result["stdout"].strip() == "3"


def test_output_streams_while_it_runs() -> None:
    emitted: list[Any] = []
    run("shell", emitted, cmd="echo one; echo two")
    assert "".join(data for kind, data in emitted if kind == "output") == "one\ntwo\n"


def test_another_shell(tmp_path: Path) -> None:
    assert run("shell", cmd="echo ${BASH_VERSION:+bash}", executable="/bin/bash").result["stdout"] == "bash"
    assert run("shell", cmd="pwd", chdir=str(tmp_path)).result["stdout"] == str(tmp_path)


def test_a_check_knows_that_it_runs_but_not_what_comes_of_it(tmp_path: Path) -> None:
    (said,) = check(("command", {"cmd": "touch x", "chdir": str(tmp_path)}))
    assert said.status == "changed"
    assert isinstance(said.unknown, Unknown)
    assert "command was not run" in said.unknown.reason
    assert not (tmp_path / "x").exists()


def test_what_fails_only_because_a_command_was_not_run_is_unknown(tmp_path: Path) -> None:
    write = ("copy", {"content": "x", "dest": f"{tmp_path}/new/f"})
    assert [o.status for o in check(write)] == ["failed"]
    last = check(("shell", {"cmd": f"mkdir {tmp_path}/new"}), write)[-1]
    assert last.status == "unknown"
    assert last.unknown is not None
    assert "shell was not run" in last.unknown.reason
    assert f"{tmp_path}/new does not exist" in last.unknown.reason


def test_creates_lets_the_next_task_count_on_it(tmp_path: Path) -> None:
    make = ("command", {"cmd": f"mkdir {tmp_path}/d", "creates": f"{tmp_path}/d/"})
    assert [o.status for o in check(make, make)] == ["changed", "ok"]
    stat = check(make, ("stat", {"path": f"{tmp_path}/d"}))[-1]
    assert stat.result["stat"]["exists"] is True


@pytest.mark.parametrize("args", [{}, {"cmd": "a", "argv": ["b"]}])
def test_cmd_or_argv(args: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"argv"):
        run("command", **args)


def test_command_warns_that_it_takes_no_executable() -> None:
    warned = run("command", cmd="echo x", executable="/bogus").result
    assert warned["stdout"] == "x" and "no longer supported" in warned["warnings"][0]
    assert "warnings" not in run("shell", cmd="echo x", executable="/bin/sh").result


def test_a_script_without_text_is_told_in_the_words_that_playbooks_look_for() -> None:
    with pytest.raises(ArgErrors) as caught:
        decode(registry.load("script"), {"chdir": "/"})
    assert caught.value.errors[0].usual.startswith("one of the following is required: ")
