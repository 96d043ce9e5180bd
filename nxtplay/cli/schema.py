"""`nxtplay schema`: what editors need to complete and check playbooks."""

from __future__ import annotations

import json

import click


@click.command("schema", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tasks", is_flag=True, help="For files of tasks instead of playbooks.")
@click.option("-o", "--output", metavar="FILE", help="Write there instead of printing.")
def command(tasks: bool, output: str | None) -> int:
    """The JSON Schema of playbooks, with every keyword, module and argument."""
    from nxtplay import reference

    text = json.dumps(reference.tasks_schema() if tasks else reference.playbook_schema(), indent=1) + "\n"
    if output:
        with open(output, "w", encoding="utf-8") as stream:
            stream.write(text)
    else:
        click.echo(text, nl=False)
    return 0
