"""Functions that templates can call without naming a variable."""

from __future__ import annotations

import datetime
from typing import Any

from nxtplay.template.undefined import Undefined


def now(utc: bool = False, fmt: str | None = None) -> Any:
    """The time, naive, in local time or UTC; as text when a format is given."""
    zone = datetime.UTC if utc else None
    moment = datetime.datetime.now(zone).replace(tzinfo=None)
    return moment.strftime(fmt) if fmt else moment


def undef(hint: str | None = None) -> Undefined:
    """A value that must be given by whoever uses this; `hint` says what."""
    return Undefined(hint=hint or "this value has to be given")


GLOBALS: dict[str, Any] = {"now": now, "undef": undef, "ansible_managed": "Ansible managed"}
