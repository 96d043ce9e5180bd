"""`nxtplay vars`: a host's variables, and for one of them every place that gives it a value."""

from __future__ import annotations

from typing import Any

import click

from nxtplay.cli.run import asked_for, inventory_options


@click.command("vars", context_settings={"help_option_names": ["-h", "--help"]})
@inventory_options
@click.option("-H", "--host", "host", default="localhost", show_default=True, help="Whose variables.")
@click.option("--playbook-dir", default=".", show_default=True, metavar="DIR", help="group_vars and host_vars are looked for here too.")
@click.argument("name", required=False)
def command(host: str, playbook_dir: str, name: str | None, **given: Any) -> int:
    """A host's variables from inventory and command line; with NAME, every place that sets it, the one that counts first.

    What plays, roles and tasks add is known only to them.
    """
    from nxtplay.cli import compose
    from nxtplay.errors import Diagnostic, UsageError, did_you_mean
    from nxtplay.report.masking import Masker
    from nxtplay.variables.precedence import Layer, Level, Scope

    masker = Masker()
    ground = compose.lay(asked_for(**given), masker, playbook_dir=playbook_dir)
    extra = Layer(Level.EXTRA_VARS, "-e", ground.options.extra_vars)
    scope = Scope([*ground.inventory.layers(compose.known_host(ground, host)), extra])
    if name is None:
        for known in sorted(scope):
            layer, span, value = scope.explain(known)[0]
            _tell(f"{known}:", value, f"{span or layer.source}", masker)
        return 0
    if name not in scope:
        raise UsageError(
            Diagnostic(f"{host} has no variable '{name}'", hint=did_you_mean(name, scope) or f"nxtplay vars --host {host} lists them")
        )
    for number, (layer, span, value) in enumerate(scope.explain(name)):
        level = layer.level.name.lower().replace("_", " ")
        _tell("counts:   " if number == 0 else "hidden:   ", value, f"{level}, {span or layer.source}", masker)
    return 0


def _tell(head: str, value: Any, where: str, masker: Any) -> None:
    from nxtplay.report.text import outline

    lines = list(outline(masker.value(value)))
    if len(lines) == 1:
        click.echo(f"{head} {lines[0]}  ({where})")
    else:
        click.echo("\n".join([f"{head}  ({where})", *(f"    {line}" for line in lines)]))
