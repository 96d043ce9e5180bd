"""`nxtplay vars`: a host's variables, and for one of them every place that gives it a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from nxtplay.cli.run import asked_for, inventory_options
from nxtplay.errors import Diagnostic, PlaybookErrors, UsageError, did_you_mean

if TYPE_CHECKING:
    from nxtplay.cli.compose import Ground
    from nxtplay.playbook.model import Role, Task
    from nxtplay.report.masking import Masker
    from nxtplay.variables.precedence import Layer, Scope


@click.command("vars", context_settings={"help_option_names": ["-h", "--help"]})
@inventory_options
@click.option("-H", "--host", "host", default="localhost", show_default=True, help="Whose variables.")
@click.option("-p", "--play", "playbook", metavar="PLAYBOOK", help="As the plays of this playbook see them.")
@click.option("--role", metavar="ROLE", help="With --play: as this role sees them.")
@click.option("--task", metavar="NAME", help="With --play: as this task sees them.")
@click.option("--playbook-dir", metavar="DIR", help="group_vars and host_vars are looked for here too.  [default: the playbook's, or .]")
@click.argument("name", required=False)
def command(
    host: str, name: str | None, *, playbook: str | None, role: str | None, task: str | None, playbook_dir: str | None, **given: Any
) -> int:
    """A host's variables; with NAME, every place that sets it, the one that counts first.

    Without --play, those of the inventory and the command line. What a run brings (facts, register, set_fact) is not among them.
    """
    import os

    from nxtplay.cli import compose, playbooks
    from nxtplay.report.masking import Masker
    from nxtplay.variables.precedence import Layer, Level, Scope

    if playbook is None and (role or task):
        raise UsageError(Diagnostic("--role and --task need --play PLAYBOOK"))
    path = playbook and playbooks.find(playbook)
    masker = Masker()
    ground = compose.lay(asked_for(**given), masker, playbook_dir=playbook_dir or os.path.dirname(path or "") or ".")
    compose.known_host(ground, host)
    if path:
        scopes = list(_of_plays(ground, path, host, role=role, task=task))
    else:
        extra = Layer(Level.EXTRA_VARS, "-e", ground.options.extra_vars)
        scopes = [("", Scope([*ground.inventory.layers(host), extra]))]
    if name is not None and not any(name in scope for _, scope in scopes):
        known = {one for _, scope in scopes for one in scope}
        hint = did_you_mean(name, known) or f"nxtplay vars --host {host} lists them"
        raise UsageError(Diagnostic(f"{host} has no variable '{name}'", hint=hint))
    for number, (head, scope) in enumerate(scopes):
        if head:
            click.echo(("\n" if number else "") + head)
        if name is None:
            _list(scope, masker)
        else:
            _explain(scope, name, masker)
    return 0


def _of_plays(ground: Ground, path: str, host: str, *, role: str | None, task: str | None) -> Iterator[tuple[str, Scope]]:
    """For every play of the playbook that has the host: a line that names it, and what the host has in it. Raises UsageError for none."""
    from nxtplay.cli import compose
    from nxtplay.engine.hosts import HostRun
    from nxtplay.engine.walk import flatten

    playbook, settings = compose.read([path], ground)
    if any(finding.severity == "error" for finding in playbook.warnings):
        raise PlaybookErrors(*playbook.warnings)
    scopes = compose.scopes(playbook, ground, settings, ground.options)
    scopes.ask = lambda _text, _echo: "(asked for)"
    known: set[str] = set()
    found = False
    for number, play in enumerate(playbook.plays, 1):
        hosts = compose.hosts_of(play, ground, scopes)
        if host not in hosts:
            continue
        scopes.ask_for(play)
        scopes.begin_play(play, hosts)
        head = f"play #{number}" + (f" {play.name.value}" if play.name else "") + f" ({play.span})"
        tasks = flatten((*play.sections, *play.handlers))
        if task is not None:
            places = [(f"{head}, task {task} ({one.span})", scopes.of_task(HostRun(host), one)) for one in tasks if task in _names(one)]
            known.update(name for one in tasks for name in _names(one))
        elif role is not None:
            uses = {id(one): one for one in (*play.roles, *(each.role for each in tasks)) if one is not None}.values()
            places = [
                (f"{head}, role {role} ({one.span})", scopes.of_host(HostRun(host), one, _of_every_task(one, tasks)))
                for one in uses
                if one.name == role
            ]
            known.update(one.name for one in uses)
        else:
            places = [(head, scopes.of_host(HostRun(host)))]
        found = found or bool(places)
        yield from places
    if not found:
        wanted = task or role
        said = (
            f"no play of {path} for {host} has the {'task' if task else 'role'} '{wanted}'" if wanted else f"no play of {path} has {host}"
        )
        raise UsageError(Diagnostic(said, hint=did_you_mean(wanted or "", known)))


def _of_every_task(role: Role, tasks: Sequence[Task]) -> list[Layer]:
    """The `vars` that a use of a role hands to all its tasks."""
    from nxtplay.variables.precedence import Layer, Level

    handed = [task.shared.vars[: task.block_vars] for task in tasks if task.role is role]
    common = [values for values in (handed or [()])[0] if all(any(values is one for one in each) for each in handed)]
    return [Layer(Level.BLOCK_VARS, "vars of the role's use", values) for values in common]


def _names(task: Task) -> tuple[str, ...]:
    """What a task may be called by."""
    from nxtplay.cli.listing import title

    return (str(task.name.value), title(task)) if task.name else (title(task),)


def _list(scope: Scope, masker: Masker) -> None:
    """Every variable, with its place; the magic ones are everywhere the same."""
    from nxtplay.variables.precedence import Level

    for name in sorted(scope):
        layer, span, value = scope.explain(name)[0]
        if layer.level is not Level.MAGIC:
            _tell(f"{name}:", value, f"{span or layer.source}", masker)


def _explain(scope: Scope, name: str, masker: Masker) -> None:
    """Every place that gives the variable a value."""
    found = {id(layer.values): (layer, span, value) for layer, span, value in reversed(scope.explain(name))}  # a role's may stand twice
    for number, (layer, span, value) in enumerate(reversed(found.values())):
        level = layer.level.name.lower().replace("_", " ")
        _tell("counts:   " if number == 0 else "hidden:   ", value, f"{level}, {span or layer.source}", masker)


def _tell(head: str, value: Any, where: str, masker: Masker) -> None:
    from nxtplay.report.text import outline

    lines = list(outline(masker.value(value)))
    if len(lines) == 1:
        click.echo(f"{head} {lines[0]}  ({where})")
    else:
        click.echo("\n".join([f"{head}  ({where})", *(f"    {line}" for line in lines)]))
