"""`nxtplay exec PATTERN -m MODULE -a ARGS`: one task on the hosts that match, without a playbook."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from nxtplay.cli.run import asked, inventory_options, run_options

_OF_PLAYBOOKS: dict[str, Any] = {
    "playbooks": (),
    "tags": (),
    "skip_tags": (),
    "start_at_task": "",
    **dict.fromkeys(("step", "force_handlers", "list_tasks", "list_tags"), False),
    **dict.fromkeys(("junit", "html")),
}


@click.command("exec", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("pattern", metavar="PATTERN")
@click.option("-m", "--module-name", "module", default="command", show_default=True, help="The module.")
@click.option("-a", "--args", "arguments", default="", metavar="ARGS", help="Its arguments: `name=value ...`, JSON, or a command.")
@click.option("-B", "--background", type=click.IntRange(1), metavar="SECONDS", help="Run it in the background, so long at most.")
@click.option("-P", "--poll", type=click.IntRange(0), default=15, show_default=True, metavar="SECONDS", help="With -B: look this often.")
@click.option("-o", "--one-line", is_flag=True, help="A line for each result.")
@click.option("-t", "--tree", metavar="DIR", help="Write each host's result to a file of its name there.")
@click.option("--flush-cache", is_flag=True, help="Forget cached facts.")
@click.option("--playbook-dir", default=".", metavar="DIR", help="Files, group_vars and host_vars are looked for here.")
@inventory_options
@run_options
def command(**given: Any) -> int:
    """Run one module on the hosts that match PATTERN: `nxtplay exec web -m ping`, `nxtplay exec all -a uptime -b`."""
    from nxtplay.cli.compose import play

    own = {name: given.pop(name) for name in ("pattern", "module", "arguments", "background", "poll", "one_line", "playbook_dir", "tree")}
    if given["list_hosts"] and not own["arguments"]:
        own["module"] = "ping"  # which one does not matter
    typed = playbook(own["pattern"], own["module"], own["arguments"], background=own["background"], poll=own["poll"])
    results = "line" if own["one_line"] else "whole"
    return play(
        dataclasses.replace(asked(**_OF_PLAYBOOKS, **given), typed=typed, folder=own["playbook_dir"], results=results, tree=own["tree"])
    )


def playbook(pattern: str, module: str, arguments: str, *, background: int | None = None, poll: int = 15) -> str:
    """The playbook that does the same."""
    given: Any = arguments
    if arguments.lstrip().startswith("{"):
        try:
            given = json.loads(arguments)
        except ValueError:  # a command, or a template
            pass
    task = {module: given or None, **({"async": background, "poll": poll} if background else {})}
    return json.dumps([{"hosts": pattern, "gather_facts": False, "tasks": [task]}], ensure_ascii=False)
