"""The laws over random chains of tasks on a small tree, failing steps included: what a check foresees of the whole is what a run does."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, note, settings
from hypothesis import strategies as st

from nxtplay.core.world import World

from . import harness
from .harness import Task

NAMES = ("a", "b", "d", "d/a", "d/e", "d/e/a", "n/x", "l", "l/a")
PATH = st.sampled_from(NAMES).map(lambda name: "{root}/" + name)
MODE = st.sampled_from((None, "0600", "0755", "0750", "u+x,go-w", "a=rX", "2775", "4711"))
OWNER = st.sampled_from((None, None, "0", "1234", "nobody", "no-such-user"))
WORDS = st.sampled_from(("one", "two", "three", "one two", ""))
TEXT = st.lists(WORDS, max_size=4).map(lambda lines: "".join(line + "\n" for line in lines))
FLAG = st.booleans()


def _task(module: str, optional: dict[str, Any] | None = None, **args: Any) -> st.SearchStrategy[Task]:
    """Tasks of one module; None as a value leaves the argument out."""
    shape = st.fixed_dictionaries({**args, **(optional or {})})
    return shape.map(lambda drawn: (module, {k: v for k, v in drawn.items() if v is not None}))


OWNED: dict[str, Any] = {"mode": MODE, "owner": OWNER}
FILES = st.one_of(
    _task("file", OWNED, path=PATH, state=st.sampled_from(("directory", "absent", "file", "touch", None)), recurse=st.none()),
    _task("file", OWNED, path=PATH, state=st.just("directory"), recurse=FLAG),
    _task(
        "file",
        OWNED,
        path=PATH,
        state=st.sampled_from(("link", "hard")),
        src=st.sampled_from(("a", "d", "{root}/d", "{root}/b", "none")),
        force=FLAG,
    ),
    _task("copy", OWNED, content=TEXT, dest=PATH, force=FLAG, follow=FLAG),
    _task("copy", OWNED, src=st.sampled_from(("f", "t", "t/")), dest=PATH, directory_mode=st.sampled_from((None, "0700"))),
    _task("copy", OWNED, src=PATH, dest=st.one_of(PATH, PATH.map(lambda p: p + "/")), remote_src=st.just(True)),
    _task("template", OWNED, src=st.just("t.j2"), dest=PATH, follow=FLAG),
)
EDITS = st.one_of(
    _task("lineinfile", OWNED, path=PATH, line=WORDS, create=FLAG, insertbefore=st.sampled_from((None, "BOF", "^t"))),
    _task("lineinfile", path=PATH, line=WORDS, regexp=st.sampled_from(("^o", "^t", "x"))),
    _task("lineinfile", path=PATH, regexp=st.sampled_from(("^o", "e$", "x")), state=st.just("absent")),
)
EDITS = st.one_of(
    EDITS,
    _task("blockinfile", OWNED, path=PATH, block=TEXT, create=FLAG, insertafter=st.sampled_from((None, "EOF", "^t"))),
    _task("replace", path=PATH, regexp=st.sampled_from(("^o", "t", "x$")), replace=WORDS),
    _task(
        "env_file",
        {"owner": OWNER},
        path=PATH,
        values=st.dictionaries(st.sampled_from("AB"), WORDS, max_size=2),
        generate=st.just({"S": 8}),
    ),
    _task("env_file", path=PATH, state=st.sampled_from(("valid", "absent")), required=st.just(["A"])),
    _task("assemble", OWNED, src=PATH, dest=PATH),
)
LOOKS = st.one_of(
    _task("find", paths=PATH, recurse=FLAG, file_type=st.sampled_from(("file", "any"))),
    _task("stat", path=PATH, follow=FLAG),
    _task("slurp", src=PATH),
)
COMMANDS = st.one_of(
    _task("command", argv=st.builds(lambda p: ["touch", p], PATH), creates=PATH),
    _task("shell", cmd=PATH.map(lambda p: f"echo x >> {p}"), removes=st.one_of(st.none(), PATH)),
)
TASKS = st.one_of(FILES, FILES, EDITS, LOOKS)
START = st.dictionaries(
    st.sampled_from(("a", "b", "d/a", "d/e", "l")),
    st.one_of(TEXT, TEXT.map(lambda t: (t, 0o640)), st.none(), st.sampled_from(("-> d", "-> a", "-> {root}/d", "-> none", "-> l"))),
    max_size=5,
).filter(lambda spec: not ("d/a" in spec and "d" in spec))
SOURCES = {"f": "from the controller\n", "t/a": "one\n", "t/e/a": "two\n", "t.j2": "hello {{ name }}\n"}


def _laws(start: dict[str, Any], tasks: list[Task]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root, files = os.path.join(os.path.realpath(place), "root"), os.path.join(place, "files")
        harness.plant(root, start)
        harness.plant(files, SOURCES)
        chain = [harness.filled(list(task), root=root) for task in tasks]
        before = harness.picture(root)
        world = World()
        foreseen = harness.check([(m, a) for m, a in chain], files, world)
        assert harness.picture(root) == before, "the check left a mark"
        expected = harness.foreseen_picture(root, world)
        _step_by_step(chain, foreseen, root, files)
        assert harness.differences(expected, harness.picture(root, exact=False)) == []


def _step_by_step(chain: list[Any], foreseen: list[Any], root: str, files: str) -> None:
    for (module, args), said in zip(chain, foreseen, strict=True):
        before = harness.picture(root)
        (done,) = harness.run([(module, args)], files)
        note(f"{module} {args}: foreseen {said.status} {said.reason}, ran {done.status} {done.reason}")
        event(f"{module} {said.status}")
        assert not done.reason.startswith("not converged"), done.reason
        if said.status == "unknown":
            continue
        assert said.status == done.status
        if not harness.unknown_inside(said):
            assert harness.plain(said) == harness.plain(done)
        if said.status in ("ok", "failed"):
            assert harness.picture(root) == before, f"foreseen {said.status}, yet it wrote"


EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "0"))  # how many new ones to look for; without it the same 250 each time
SETTINGS = settings(max_examples=EXAMPLES or 250, derandomize=not EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(START, st.lists(TASKS, min_size=1, max_size=5))
@example({"d/a": "-> {root}/d"}, [("copy", {"src": "t/", "dest": "{root}/d/a"})])
@example({"d/a": "one\n", "d/e": "-> a"}, [("assemble", {"src": "{root}/d", "dest": "{root}/d/e"})])
@example({"d/a": "", "l": "-> d", "b": "-> l"}, [("assemble", {"src": "{root}/b", "dest": "{root}/l"})])
@example({"d/a": "", "l": "-> d"}, [("assemble", {"src": "{root}/l", "dest": "{root}/l"})])
@example({}, [("copy", {"content": "", "dest": "{root}/a"}), ("file", {"path": "{root}/a", "state": "hard", "src": "a"})])
def test_chains_of_file_tasks(start: dict[str, Any], tasks: list[Task]) -> None:
    _laws(start, tasks)


@settings(SETTINGS, max_examples=(EXAMPLES or 250) // 3)
@given(START, st.lists(st.one_of(TASKS, COMMANDS), min_size=1, max_size=5))
def test_chains_with_commands_are_never_foreseen_falsely(start: dict[str, Any], tasks: list[Task]) -> None:
    """What a command does is not foreseen, so only what comes before the first one that would run is held to the picture."""
    with tempfile.TemporaryDirectory() as place:
        root, files = os.path.join(os.path.realpath(place), "root"), os.path.join(place, "files")
        harness.plant(root, start)
        harness.plant(files, SOURCES)
        chain = [harness.filled(list(task), root=root) for task in tasks]
        before = harness.picture(root)
        foreseen = harness.check([(m, a) for m, a in chain], files)
        assert harness.picture(root) == before, "the check left a mark"
        acts = [i for i, (m, _) in enumerate(chain) if m in ("command", "shell") and foreseen[i].status != "ok"]
        first = acts[0] if acts else len(chain)
        _step_by_step(chain[:first], foreseen[:first], root, files)


if os.geteuid() != 0:
    pytest.skip("the chains change owners", allow_module_level=True)
