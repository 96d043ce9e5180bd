"""Runs a playbook through nxtplay or ansible-playbook and says what happened in one form, so that the two can be compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ANSIBLE = os.environ.get("ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook")
# differ from run to run, or say how the one program or the other does it
PASSING = frozenset(
    "start end delta cmd invocation diff warnings deprecations exception module_stdout module_stderr ansible_facts duration seconds "
    "stdout_lines stderr_lines msg skip_reason false_condition censored assertion evaluated_to _ansible_no_log "
    "ansible_delegated_vars ansible_async_watchdog_pid echo user_input changes include include_args includes failed_when_result "
    "ansible_included_var_files ansible_job_id results_file started finished stdout stderr ansible_stats failed_when_suppressed_exception"
    " add_host parent_groups add_group include_role validate_args_context argument_errors argument_spec_data".split()
)
RECAP = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


@dataclass
class Done:
    """One task on its hosts."""

    name: str
    handler: bool = False
    hosts: dict[str, str] = field(default_factory=dict)
    items: dict[str, list[str]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Outcome:
    """`plays`: what was told in order. `output`: what the program printed, for people who look into a difference."""

    steps: list[str | Done]
    recap: dict[str, dict[str, int]]
    code: int
    output: str

    def text(self, *, results: bool = False, apart: bool = False) -> str:
        """All that counts, a line for each thing. `apart`: host by host, so that it does not matter which hosts go together."""
        lines: list[str] = []
        for step in in_order(self.steps, apart=apart):
            if isinstance(step, str):
                lines.append(step)
                continue
            if not step.hosts:
                continue
            how = "  ".join(f"{host}={_shown(step, host)}" for host, status in sorted(step.hosts.items()))
            lines.append(f"{'HANDLER' if step.handler else 'TASK'} {step.name} | {how}")
            if results:
                told = {host: fields for host, fields in sorted(step.results.items()) if step.hosts.get(host) in ("ok", "changed")}
                lines += [f"    {host}: {json.dumps(fields, sort_keys=True)}" for host, fields in told.items() if fields]
        for host, counts in sorted(self.recap.items()):
            lines.append(f"RECAP {host} " + " ".join(f"{name}={counts[name]}" for name in RECAP if counts[name]))
        return "\n".join([*lines, f"EXIT {self.code}"]) + "\n"


def in_order(steps: list[str | Done], *, apart: bool) -> list[str | Done]:
    """The steps; in plays called free..., where hosts do not wait for one another, host by host."""
    out: list[str | Done] = []
    groups: dict[str, list[str | Done]] = {}
    play = ""
    for step in [*steps, "PLAY"]:
        if isinstance(step, str):
            out += [one for _, group in sorted(groups.items()) for one in group]
            groups, play = {}, step
            out.append(step)
        elif apart or play.startswith("PLAY free"):
            for host, status in step.hosts.items():
                one = Done(step.name, step.handler, {host: status})
                if not play.startswith("PLAY free"):  # there Ansible may tell an item before its task, and it is lost
                    one.items = {k: v for k, v in step.items.items() if k == host}
                one.results = {k: v for k, v in step.results.items() if k == host}
                groups.setdefault(host, []).append(one)
        else:
            out.append(step)
    return out[:-1]


def _shown(step: Done, host: str) -> str:
    items = step.items.get(host)
    return step.hosts[host] + (f"({','.join(items)})" if items else "")


def nxtplay(words: Sequence[str], *, cwd: Path, environ: Mapping[str, str] | None = None, timeout: float = 120) -> Outcome:
    """`nxtplay WORDS` in `cwd`."""
    env = {**os.environ, **(environ or {})}
    program = [sys.executable, "-m", "nxtplay", "--json", *words]
    done = subprocess.run(program, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)
    steps: list[str | Done] = []
    tasks: dict[str, Done] = {}
    modules: dict[str, str] = {}
    recap: dict[str, dict[str, int]] = {}
    for line in done.stdout.splitlines():
        event = json.loads(line) if line.startswith("{") else {"kind": ""}
        kind = event["kind"]
        if kind == "play_started":
            steps.append(f"PLAY {event['name']}")
        elif kind == "task_started":
            role = event["role"].rpartition(".")[2] if event["role"].count(".") == 2 else event["role"]
            name = f"{role} : {event['name']}" if role and event["module"] != "include_role" else event["name"]
            tasks[event["id"]] = Done(name, event["is_handler"])
            modules[event["id"]] = event["module"].rsplit(".", 1)[-1]
            steps.append(tasks[event["id"]])
        elif kind == "item_finished" and event["id"] in tasks:
            tasks[event["id"]].items.setdefault(event["host"], []).append(event["status"].replace("unreachable", "failed"))
        elif kind == "task_finished" and event["id"] in tasks:
            tasks[event["id"]].hosts[event["host"]] = event["status"]
            tasks[event["id"]].results[event["host"]] = normal(event["result"], shown=modules[event["id"]] == "debug")
        elif kind == "run_finished":
            recap = event["recap"]["hosts"]
    return Outcome(_tidy(steps), {h: c for h, c in recap.items() if any(c.values())}, done.returncode, done.stdout + done.stderr)


def ansible(words: Sequence[str], *, cwd: Path, environ: Mapping[str, str] | None = None, timeout: float = 300) -> Outcome:
    """`ansible-playbook WORDS` in `cwd`."""
    assert ANSIBLE
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as record:
        env = {
            **os.environ,
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_STDOUT_CALLBACK": "record",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_NOCOLOR": "1",
            "RECORD_TO": record.name,
            **(environ or {}),
        }
        done = subprocess.run(
            [ANSIBLE, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )
        events = [json.loads(line) for line in Path(record.name).read_text(encoding="utf-8").splitlines()]
    steps: list[str | Done] = []
    tasks: dict[str, Done] = {}
    modules: dict[str, str] = {}
    recap: dict[str, dict[str, int]] = {}
    for event in events:
        kind = event["kind"]
        if kind == "play":
            steps.append(f"PLAY {event['name']}")
        elif kind == "task" and event["module"].rsplit(".", 1)[-1] != "meta":
            tasks[event["id"]] = Done(event["name"], event["handler"])
            modules[event["id"]] = event["module"].rsplit(".", 1)[-1]
            steps.append(tasks[event["id"]])
        elif kind == "item" and event["task"] in tasks:
            tasks[event["task"]].items.setdefault(event["host"], []).append(event["status"].replace("unreachable", "failed"))
        elif kind == "finished" and event["task"] in tasks:
            tasks[event["task"]].hosts[event["host"]] = event["status"]
            tasks[event["task"]].results[event["host"]] = normal(event["result"], shown=modules[event["task"]] == "debug")
        elif kind == "recap":
            recap = {
                host: {**{n: c.get(n, 0) for n in RECAP}, "unreachable": c["dark"], "failed": c["failures"]}
                for host, c in event["hosts"].items()
            }
    return Outcome(_tidy(steps), recap, done.returncode, done.stdout + done.stderr)


def _tidy(steps: list[str | Done]) -> list[str | Done]:
    for step in steps:
        if isinstance(step, Done):
            step.name = step.name.replace("ansible.builtin.", "")
    return steps


def normal(result: Any, *, shown: bool = False) -> Any:
    """A result without what differs from run to run; `shown`: its messages are the playbook's own."""
    if isinstance(result, Mapping):
        passing = PASSING - {"msg"} if shown else PASSING
        kept = {k: normal(v, shown=shown) for k, v in result.items() if k not in passing and not str(k).startswith("_ansible")}
        if "censored" in result:
            return {}
        return {k: v for k, v in kept.items() if k not in ("failed", "skipped") and not (k in ("changed", "unreachable") and v is False)}
    if isinstance(result, list):
        return [normal(one, shown=shown) for one in result]
    return result
