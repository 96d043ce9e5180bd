"""postgresql_alter_system: postgresql_set with the arguments of its later namesake."""

from __future__ import annotations

from typing import ClassVar

from nxtplay.core.resource import arg
from nxtplay.modules.postgresql_set import PostgresqlSet


class PostgresqlAlterSystem(PostgresqlSet):
    """A server's setting, as ALTER SYSTEM keeps it; it is reloaded at once, and `restart_required` says whether that is not enough."""

    name: str = arg(help="Name of the setting.", key=True, aliases=["param"])
    value: str | None = arg(None, help="Value, in any unit the server understands; `_RESET` takes back what ALTER SYSTEM set.")

    resets: ClassVar[str] = "_RESET"
