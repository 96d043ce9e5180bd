"""What command, shell, raw and script share."""

from __future__ import annotations

import datetime
import os
from typing import Any, Optional, Sequence, Union

from nxtplay.core import place
from nxtplay.core.files import FileState
from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _files


class Run(Args):
    """The arguments around a command."""

    chdir: Path | None = arg(None, help="Directory to run in.")
    creates: Path | None = arg(None, help="A path or pattern; when it is there, the command is not run.")
    removes: Path | None = arg(None, help="A path or pattern; when it is not there, the command is not run.")


class Input(Args):
    """What goes into a command and how its output is taken."""

    stdin: str | None = arg(None, help="Text for its standard input.")
    stdin_add_newline: bool = arg(True, help="End that text with a newline.")
    strip_empty_ends: bool = arg(True, help="Take newlines off the end of stdout and stderr.")


def working_directory(host: Reader, args: Run) -> Optional[str]:
    """The directory to run in. Failed, in a check as in a run, where there is none."""
    if args.chdir is None:
        return None
    path = _files.host_path(args.chdir)
    if not host.is_dir(path):
        found = host.stat(path, follow=True)
        why = "is no directory" if found else "does not exist"
        raise Failed(f"Unable to change directory: {path} {why}", rc=None, stdout="", stderr="")
    return path


def reason_to_skip(host: Reader, args: Run) -> str:
    """Why the command need not run, as creates and removes say; "" where it has to."""
    base = working_directory(host, args) or place.here()
    if args.creates is not None and _files.glob(host, _pattern(base, args.creates)):
        return f"'{args.creates}' exists"
    if args.creates is not None:
        from nxtplay.modules import _packages  # a tenth of an agent's start, for the few tasks that name a path

        later = _packages.not_there(host, _pattern(base, args.creates))
        if later is not None:
            raise UnknownReached(later)
    if args.removes is not None and not _files.glob(host, _pattern(base, args.removes)):
        return f"'{args.removes}' does not exist"
    return ""


def _pattern(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


def skipped(reason: str, cmd: Any) -> dict[str, Any]:
    """What is registered when there was no need to run."""
    text = f"skipped, since {reason.replace(chr(39), '')}"
    return {
        "msg": f"Did not run command since {reason}",
        "stdout": text,
        "stderr": "",
        "rc": 0,
        "cmd": cmd,
        "start": None,
        "end": None,
        "delta": None,
    }


def promised(host: Reader, args: Run) -> Sequence[tuple[str, Any]]:
    """What a check may count on afterwards: the path that `creates` names is there, of whatever kind; what `removes` names may be gone."""
    base = working_directory(host, args) or place.here()
    out: list[tuple[str, Any]] = []
    if args.removes is not None:
        gone = Unknown(f"{args.removes} may be removed by a command that was not run")
        out += [(f"file:{path}", gone) for path in _files.glob(host, _pattern(base, args.removes))]
    if args.creates is None or any(c in args.creates for c in "*?["):
        return out
    what: Any = Unknown(f"{args.creates} is made by a command that was not run")
    directory = args.creates.endswith("/")
    state = FileState("directory" if directory else what, mode=what, uid=what, gid=what, content=None if directory else what)
    return [*out, (f"file:{_pattern(base, args.creates)}", state)]


def stdin_of(args: Input) -> bytes:
    if args.stdin is None:
        return b""
    return (args.stdin + ("\n" if args.stdin_add_newline else "")).encode("utf-8", "surrogateescape")


def carry_out(
    host: Host, argv: Sequence[str], *, cmd: Any, cwd: Optional[str] = None, stdin: bytes = b"", strip: bool = True
) -> dict[str, Any]:
    """Run it, its output shown as it comes. The fields to register; Failed with the same fields when rc is not 0."""
    began = datetime.datetime.now()
    done = host.run(list(argv), stdin=stdin, cwd=cwd, stream=True)
    result = result_of(done, cmd=cmd, began=began, ended=datetime.datetime.now(), strip=strip)
    if done.rc != 0:
        raise Failed("non-zero return code", **result, changed=True)
    return result


def result_of(done: Completed, *, cmd: Any, began: datetime.datetime, ended: datetime.datetime, strip: bool) -> dict[str, Any]:
    """The fields that Ansible's users know; bytes that are no UTF-8 become U+FFFD so that every output format can hold them."""
    out, err = done.out.decode("utf-8", "replace"), done.err.decode("utf-8", "replace")
    if strip:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    return {
        "cmd": cmd,
        "rc": done.rc,
        "stdout": out,
        "stderr": err,
        "start": str(began),
        "end": str(ended),
        "delta": str(ended - began),
        "msg": "" if done.rc == 0 else "non-zero return code",
    }


def words_of(cmd: str) -> list[str]:
    """A command line in words, as a shell would split it. Failed where a quote is left open."""
    import shlex

    try:
        return shlex.split(cmd)
    except ValueError as error:
        raise Failed(f"cannot split the command into words: {error}: {cmd}", rc=257, cmd=cmd) from None


def expanded(word: str, environ: "Union[dict[str, str], os._Environ[str]]") -> str:
    """$NAME and ${NAME} of the task's environment and a leading ~ filled in; unknown names stay as they are."""
    import re

    word = re.sub(r"\$(\w+)|\$\{([^}]*)\}", lambda m: environ.get(m.group(1) or m.group(2), m.group(0)), word)
    return os.path.expanduser(word)
