"""A made-up run that shows every kind of line; the golden pages are what reporters make of it."""

from collections.abc import Iterator

from nxtplay.core.files import Content, FileState
from nxtplay.core.state import Change, Unknown, diff
from nxtplay.errors import Diagnostic, Span
from nxtplay.events import (
    Counts,
    Event,
    HandlerNotified,
    ItemFinished,
    Notice,
    PlayFinished,
    PlayStarted,
    Recap,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)

FILE = "tests/golden/site.yml"
OLD = FileState("file", 0o644, 0, 0, Content.of(b"PORT=80\nHOST=a\n"))
NEW = FileState("file", 0o600, 0, 0, Content.of(b"PORT=80\nHOST=b\nDEBUG=0\n"))


def run(*, check: bool = False) -> Iterator[Event]:
    """The events of a run on two hosts, of which one fails."""
    hosts = ("web1", "database2")
    yield RunStarted((FILE,), check=check, hosts=hosts)
    yield PlayStarted("Deploy the stack", hosts, Span(FILE, 1, 3))
    yield TaskStarted("1", "The engine answers", "docker_host_info", Span(FILE, 4, 7), hosts, role="prerequisites")
    yield TaskFinished("1", "web1", "ok", result={"version": "27.0"}, seconds=0.2)
    yield TaskFinished("1", "database2", "skipped", reason="when: docker_wanted is false")
    yield TaskStarted("2", "Write .env", "template", Span(FILE, 6, 7), ("web1",), role="environment")
    yield TaskFinished("2", "web1", "changed", result={"dest": "/srv/.env", "changed": True}, changes=diff(OLD, NEW), seconds=0.04)
    yield HandlerNotified("2", "web1", "Restart backend")
    yield Notice("warning", "the image is tagged latest", Span(FILE, 9, 9), "web1")
    yield TaskStarted("3", "Build images", "docker_image_build", Span(FILE, 8, 7), ("web1",))
    yield TaskProgress("3", "web1", "step 2/3: RUN npm ci")
    yield TaskOutput("3", "web1", "added 120 packages\n\x1b[32mdone")
    yield ItemFinished("3", "web1", "changed", "backend", reason="its inputs changed", seconds=12.34)
    yield ItemFinished("3", "web1", "ok", "frontend")
    yield TaskFinished("3", "web1", "changed", seconds=12.4)
    yield TaskStarted("4", "Say it", "debug", Span(FILE, 10, 7), ("web1",))
    yield TaskFinished("4", "web1", "ok", result={"msg": "http://localhost\nhttp://localhost:3000"})
    if check:
        yield TaskStarted("5", "Start backend", "docker_container", Span(FILE, 12, 7), hosts)
        unknown = Unknown("docker_image_build was not run")
        yield TaskFinished("5", "web1", "unknown", changes=(Change(("image",), "a1", unknown),), reason=unknown.reason)
        counts = Counts(ok=4, changed=2, unknown=1)
        yield PlayFinished("Deploy the stack", 0.4)
        yield RunFinished(Recap({"web1": counts, "database2": Counts(skipped=1)}, 0.5, 0))
        return
    yield TaskStarted("5", "Start backend", "command", Span(FILE, 12, 7), hosts)
    stderr = "\n".join(f"npm ERR! line {n}" for n in range(1, 21))
    result = {"cmd": ["npm", "start"], "rc": 1, "stderr": stderr, "stdout": "", "msg": "exit code 1"}
    bad = Diagnostic("the command ended with exit code 1", Span(FILE, 13, 16, 25), "look at its last lines")
    yield TaskFinished("5", "web1", "failed", result=result, diagnostics=(bad,), seconds=3.2)
    yield TaskFinished("5", "database2", "unreachable", reason="Connection refused by database2 port 22", span=Span(FILE, 12, 7))
    yield TaskStarted("6", "Tidy up", "file", Span(FILE, 15, 7), ("web1",), is_handler=True)
    yield TaskFinished("6", "web1", "ignored", result={"msg": "Permission denied: /srv/x"})
    yield PlayFinished("Deploy the stack", 16)
    counts = Counts(ok=3, changed=2, failed=1, ignored=1)
    yield RunFinished(Recap({"web1": counts, "database2": Counts(unreachable=1, skipped=1)}, 16.2, 2))
