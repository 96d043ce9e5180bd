"""Files as bad disks, editors and people leave them: a tree of playbooks with one file spoilt must end in a located error, or work.

    python tests/malformed.py [--seconds N] [--seed FIRST]        the same, for long
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from nxtplay.cli import app

ROOT = Path(__file__).parents[1]
TOO_LONG = 5.0  # seconds of CPU; a good tree takes a tenth
PIECES = (
    *(text.encode() for text in "\0 \t \r {{ }} {% ' \" &a *a # [ ] { } null ~ 1e999999 0x <<:".split(" ")),
    *(text.encode() for text in ("!vault |\n", "!unsafe ", "!x ", "? ", ": ", "|\n", ">-\n", "---\n", "...\n", "%YAML 9\n", "{# ", "{{ x")),
    *(text.encode() for text in ("9" * 5000, "{{ " * 300, "[" * 300, "a: " * 20, "{{ {{ }} }}", "{{ lookup('file', '/') }}", "\u2028")),
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"$ANSIBLE_VAULT;1.1;AES256\n61",
)


def spoil(r: random.Random, data: bytes) -> bytes:
    """The bytes of a file, spoilt in one way."""
    at, end = r.randrange(len(data) + 1), r.randrange(len(data) + 1)
    lines = data.split(b"\n")
    line = r.randrange(len(lines))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: data[:at] + bytes([r.randrange(256)]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + r.choice(PIECES) + data[at:],
        lambda: data[:at] + r.choice(PIECES) + data[at:],
        lambda: data[: min(at, end)] + data[max(at, end) :],
        lambda: data[:at] + data[min(at, end) : max(at, end)][:200] + data[at:],
        lambda: b"\n".join([*lines[:line], *lines[line + 1 :]]),
        lambda: b"\n".join([*lines[:line], b" " * r.choice((1, 2, 4)) + lines[line], *lines[line + 1 :]]),
        lambda: b"\n".join([*lines[:line], lines[line].lstrip(), *lines[line + 1 :]]),
        lambda: b"\n".join([*lines[: line + 1], *lines[line:]]),
        lambda: b"\n".join([*lines[:line], lines[r.randrange(len(lines))], *lines[line + 1 :]]),
        lambda: data.decode("utf-8", "replace").encode(r.choice(("utf-16", "utf-32", "utf-8-sig"))),
        lambda: bytes(r.randrange(256) for _ in range(r.randrange(400))),
    )
    return r.choice(ways)()


def misplace(r: random.Random, path: Path) -> None:
    """Something else where a file was."""
    kind = r.choice(("directory", "loop", "nothing", "dangling", "fifo", "device"))
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind in ("loop", "dangling", "device"):
        path.symlink_to({"loop": path.name, "dangling": "nowhere", "device": "/dev/null"}[kind])
    elif kind == "fifo":
        os.mkfifo(path)


def wrong(words: Sequence[str]) -> str:
    """What a command line does that it must not: a traceback, an error without its place, too much time. Empty: nothing."""
    out, told, began = io.StringIO(), io.StringIO(), time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
            code = app.main(list(words))
    except BaseException:
        return traceback.format_exc()
    taken = time.process_time() - began
    if taken > TOO_LONG:
        return f"took {taken:.1f} s: {told.getvalue()[:500]}"
    if code and "error" not in told.getvalue():
        return f"exit {code} and no error: {out.getvalue()[:500]} {told.getvalue()[:500]}"
    return ""


def trial(seed: int, tree: Path, playbooks: Sequence[str]) -> str:
    """One spoilt copy of a tree, put right again afterwards; what was wrong about the answer."""
    r = random.Random(seed)
    files = sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".txt", ".py"))
    path = r.choice(files)
    before = path.read_bytes()
    try:
        if r.random() < 0.1:
            misplace(r, path)
        else:
            data = before
            for _ in range(r.choice((1, 1, 2, 3))):
                data = spoil(r, data)
            path.write_bytes(data)
        inventory = next(iter(sorted(tree.glob("inventory/*.yml"))), None)
        words = ["lint", *(["-i", str(inventory)] if inventory else ["-i", "a,b,"]), str(tree / r.choice(list(playbooks)))]
        found = wrong(words)
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif path.exists() or path.is_symlink():
            path.unlink()
        path.write_bytes(before)
    return f"seed {seed}, {path.relative_to(tree)}: {found}" if found else ""


def shipped(work: Path) -> tuple[Path, list[str]]:
    """A copy of the shipped playbooks."""
    tree = work / "shipped"
    for name in ("playbooks", "roles", "inventory"):
        shutil.copytree(ROOT / name, tree / name)
    return tree, [f"playbooks/{path.name}" for path in sorted(tree.glob("playbooks/*.yml"))]


def scenarios(work: Path) -> tuple[Path, list[str]]:
    """A copy of the tests' scenarios."""
    tree = work / "scenarios"
    shutil.copytree(ROOT / "tests" / "compat" / "scenarios", tree)
    return tree, [path.name for path in sorted(tree.glob("*.yml"))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    until, seed, found = time.monotonic() + given.seconds, given.seed, 0
    with tempfile.TemporaryDirectory() as folder:
        trees = [shipped(Path(folder)), scenarios(Path(folder))]
        while time.monotonic() < until:
            said = trial(seed, *trees[seed % 2])
            if said:
                found += 1
                print(said, flush=True)
            seed += 1
    print(f"{seed - given.seed} trees, {found} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
