"""`nxtplay doc`: the modules' reference."""

from __future__ import annotations

import shutil
import textwrap

import click

from nxtplay.errors import Diagnostic, UsageError, did_you_mean


@click.command("doc", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("module", required=False)
@click.option("--write", "folder", metavar="DIR", help="Write the reference pages there.")
@click.option("--stale", metavar="DIR", help="Tell which pages there are not up to date; exit code 2 when some are.")
def command(module: str | None, folder: str | None, stale: str | None) -> int:
    """What a module does and which arguments it takes; without a name, the list of modules. `filters`, `tests` and `lookups` list those."""
    from nxtplay import reference

    if folder:
        for name in reference.write(folder):
            click.echo(f"written: {name}")
        return 0
    if stale:
        names = reference.stale(stale)
        for name in names:
            click.echo(f"stale: {name}")
        return 2 if names else 0
    columns = min(100, shutil.get_terminal_size().columns)
    if module is None:
        for name, (kind, first) in reference.summaries().items():
            click.echo(f"{name:<26} {kind:<9} {first}"[:columns])
        return 0
    named = _of_templates(module)
    if named:
        click.echo(textwrap.fill(", ".join(named), columns))
        return 0
    click.echo(reference.text(known(module), columns), nl=False)
    return 0


def _of_templates(kind: str) -> list[str]:
    """The names of all filters, tests or lookups."""
    from nxtplay.template import lookups, registry

    if kind == "lookups":
        return sorted(lookups.LOOKUPS)
    return registry.filters.names() if kind == "filters" else registry.tests.names() if kind == "tests" else []


def known(word: str) -> str:
    """The short name of a module or of a word of the language. Raises UsageError with what is near."""
    from nxtplay.modules import registry
    from nxtplay.playbook.modules import canonical

    names = registry.names() | registry.ENGINE_WORDS
    name = canonical(word, names)
    if name is None:
        raise UsageError(Diagnostic(f"there is no module '{word}'", hint=did_you_mean(word, names) or "nxtplay doc lists them all"))
    return name
