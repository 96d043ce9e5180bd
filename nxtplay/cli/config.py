"""`nxtplay config`: what configuration files and the environment say."""

from __future__ import annotations

import click

from nxtplay.cli.run import configured
from nxtplay.cli.settings import SETTINGS


@click.command("config", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everything", is_flag=True, help="Settings that nobody gave, too.")
def command(everything: bool) -> int:
    """Which configuration file counts, and every setting that it or the environment gives, with the place."""
    from nxtplay.cli.app import tell
    from nxtplay.errors import NxtplayError

    config = configured()
    click.echo(f"file: {config.file or 'none'}")
    for name, setting in SETTINGS.items():
        found = config.values.get(name)
        if found is not None:
            click.echo(f"{name} = {_shown(found.value)}  ({found.where})")
        elif everything:
            click.echo(f"# {name}: {setting.what}  ({' '.join(setting.keys)}; {' '.join(f'ANSIBLE_{one}' for one in setting.environ)})")
    for warning in config.warnings:
        tell(NxtplayError(warning))
    return 0


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
