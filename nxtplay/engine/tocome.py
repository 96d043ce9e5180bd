"""A check of tasks that become a user whom only a run brings: made by an earlier task, or by a package that would be installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nxtplay.connection.protocol import Job, Reply
from nxtplay.core import wire
from nxtplay.core.resource import Resource, decode
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import ArgErrors
from nxtplay.modules import registry


def user_to_come(name: str, news: Sequence[tuple[str, Any]]) -> str:
    """Why there is no such user (or no program to become it by) yet, by what the check foresaw there; "" where nothing explains it."""
    accounts = [state for key, state in news if key == f"user:{name}"]
    if accounts and accounts[-1] is not None:
        return f"the user {name} comes with an earlier task"
    acts = [(key, wire.decode(state).reason) for key, state in reversed(news) if key.startswith("act:")]
    if not acts or accounts:
        return ""
    _, reason = max(acts, key=lambda act: (name in act[1], act[0] == "act:package"))  # the likeliest, the later of two
    return f"the user {name} may come with an earlier task: {reason}"


def unknown(job: Job, reason: str) -> Reply:
    """The reply that nobody there can give: nothing can be told of the job, nor of what it would change."""
    later = wire.encode(Unknown(reason))
    return Reply("unknown", {}, unknown=reason, news=((_key(job), later),))


def _key(job: Job) -> str:
    """What the job's effect is filed under."""
    cls = registry.load(job.module)
    try:
        if issubclass(cls, Resource) and not any(isinstance(value, str) and value.startswith("~") for value in job.args.values()):
            return decode(cls, dict(job.args)).key()
    except (ArgErrors, UnknownReached, TypeError):
        pass  # what it is about is unknown too
    return f"act:{job.module}"
