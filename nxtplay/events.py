"""What happens in a run, as values: the engine emits them in order, every reporter consumes the same stream.

Each event has a `kind` (its name in JSON) and `as_dict()`, plain data that `json.dumps` takes. A task's events share its `id`; the
ids are unique within a run. All durations are seconds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, ClassVar

from nxtplay.core.frozen import frozen
from nxtplay.core.state import Change, Secret, Unknown, public
from nxtplay.errors import Diagnostic, Span

OK, CHANGED, SKIPPED, UNKNOWN, FAILED, UNREACHABLE, IGNORED, RESCUED = STATUSES = (
    "ok",
    "changed",
    "skipped",
    "unknown",
    "failed",
    "unreachable",
    "ignored",
    "rescued",
)


@frozen
class Event:
    """Common to all: see the subclasses."""

    kind: ClassVar[str] = "event"

    def as_dict(self) -> dict[str, Any]:
        """The event as plain data, `kind` first; secrets are masked, unknown values say so."""
        return {"kind": self.kind, **{f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}}


@frozen
class RunStarted(Event):
    """Everything was found right; `hosts` are all hosts that some play will touch."""

    kind: ClassVar[str] = "run_started"
    playbooks: tuple[str, ...]
    check: bool = False
    diff: bool = False
    hosts: tuple[str, ...] = ()


@frozen
class PlayStarted(Event):
    """`hosts` are those of this batch (`serial`), which may be none."""

    kind: ClassVar[str] = "play_started"
    name: str
    hosts: tuple[str, ...] = ()
    span: Span | None = None


@frozen
class TaskStarted(Event):
    """A task is about to run on `hosts`; `name` is rendered, without the role's."""

    kind: ClassVar[str] = "task_started"
    id: str
    name: str
    module: str = ""
    span: Span | None = None
    hosts: tuple[str, ...] = ()
    is_handler: bool = False
    role: str = ""
    stream: bool = False  # show what it prints as it comes, not only its last line

    @property
    def title(self) -> str:
        """Its name behind that of its role; the module's where it has none."""
        name = self.name or self.module
        return f"{self.role} : {name}" if self.role else name


@frozen
class Finished(Event):
    """How a task, or one item of its loop, went on one host.

    `status` is one of STATUSES. `result` is what is registered, already emptied where `no_log` asks for it. `reason`: why it was due,
    skipped, unknown or failed, in a few words. `span` is the place that explains a failure or an unknown, the task's otherwise.
    """

    id: str
    host: str
    status: str
    item_label: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    span: Span | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    delegate: str = ""  # the host that did it, where that was another
    diff: bool | None = None  # whether the task wants differences shown; None: as the run does


@frozen
class ItemFinished(Finished):
    """One item of a loop; the task's own TaskFinished follows after the last."""

    kind: ClassVar[str] = "item_finished"


@frozen
class TaskFinished(Finished):
    """A task on one host. After a loop `changes` is empty: the items had them."""

    kind: ClassVar[str] = "task_finished"


@frozen
class TaskProgress(Event):
    """Which step a long task is at, in a few words."""

    kind: ClassVar[str] = "task_progress"
    id: str
    host: str
    text: str
    retries_left: int | None = None  # where it has failed, and will be done again


@frozen
class TaskOutput(Event):
    """What a command prints while it runs: a piece of its stream, line ends included, cut anywhere."""

    kind: ClassVar[str] = "task_output"
    id: str
    host: str
    text: str


@frozen
class HandlerNotified(Event):
    """A task changed something and so asked for a handler."""

    kind: ClassVar[str] = "handler_notified"
    id: str  # of the task that notified
    host: str
    handler: str


@frozen
class Notice(Event):
    """Something a user should know. `level`: note, warning, deprecated, debug (shown from -vvv on)."""

    kind: ClassVar[str] = "notice"
    level: str
    text: str
    span: Span | None = None
    host: str = ""
    hint: str = ""  # what to type


@frozen
class PlayFinished(Event):
    """All batches of a play are through, or nobody is left."""

    kind: ClassVar[str] = "play_finished"
    name: str
    seconds: float = 0.0


@frozen
class Counts:
    """How many tasks of a host ended how. A changed task counts as ok too, as users of Ansible's recap know it."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    unknown: int = 0


@frozen
class Recap:
    """How a run ended. `interrupted_at` says where Ctrl-C met it (empty: it was not interrupted)."""

    hosts: Mapping[str, Counts] = field(default_factory=dict)
    seconds: float = 0.0
    exit_code: int = 0
    interrupted_at: str = ""


@frozen
class RunFinished(Event):
    """The last event."""

    kind: ClassVar[str] = "run_finished"
    recap: Recap


Emit = Callable[[Event], None]


def plain(value: Any) -> Any:
    """The value as JSON can say it: dataclasses as mappings, places as text, secrets masked, anything strange as text."""
    if isinstance(value, (Secret, Unknown)):
        return public(value)
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Span):
        return str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if hasattr(value, "__public__"):
            return plain(public(value))
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
