"""A callback for ansible-playbook that writes what happens as JSON lines, so that a run of it can be compared with one of nxtplay."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: stdout
short_description: Writes what happens as JSON lines
description: To the file named by RECORD_TO.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "record"

    def __init__(self):
        super().__init__()
        self._file = open(os.environ["RECORD_TO"], "w", encoding="utf-8")  # noqa: SIM115 - open for as long as the run

    def _write(self, kind, **fields):
        self._file.write(json.dumps({"kind": kind, **fields}, default=str) + "\n")
        self._file.flush()

    def _finished(self, status, outcome, *, item=False):
        task = getattr(outcome, "task", None) or outcome._task
        host = getattr(outcome, "host", None) or outcome._host
        result = getattr(outcome, "result", None) or outcome._result
        self._write("item" if item else "finished", task=task._uuid, host=host.get_name(), status=status, result=dict(result))

    def _fine(self, outcome):
        return "changed" if (getattr(outcome, "result", None) or outcome._result).get("changed") else "ok"

    def v2_playbook_on_play_start(self, play):
        self._write("play", name=play.get_name().strip())

    def _started(self, task, handler):
        by_role = task._role and task.action.rpartition(".")[2] != "include_role"  # whose own name says what it includes
        name = task.get_name(include_role_fqcn=False) if by_role else task.get_name()
        self._write("task", id=task._uuid, name=name, handler=handler, module=task.action)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._started(task, False)

    def v2_playbook_on_handler_task_start(self, task):
        self._started(task, True)

    def v2_playbook_on_include(self, included_file):
        for host in included_file._hosts:
            self._write("included", host=host.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self._write("no hosts")

    def v2_runner_on_ok(self, result):
        self._finished(self._fine(result), result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._finished("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result):
        self._finished("skipped", result)

    def v2_runner_on_unreachable(self, result):
        task = getattr(result, "task", None) or result._task
        self._finished("ignored" if task.ignore_unreachable else "unreachable", result)

    def v2_runner_item_on_ok(self, result):
        self._finished(self._fine(result), result, item=True)

    def v2_runner_item_on_failed(self, result):
        self._finished("failed", result, item=True)

    def v2_runner_item_on_skipped(self, result):
        self._finished("skipped", result, item=True)

    def v2_playbook_on_stats(self, stats):
        names = ("ok", "changed", "dark", "failures", "skipped", "rescued", "ignored")
        hosts = {h: {n: getattr(stats, n).get(h, 0) for n in names} for h in stats.processed}
        self._write("recap", hosts=hosts, custom=dict(stats.custom))
