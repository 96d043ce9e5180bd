"""Files that `nxtplay vault` reads, writes and opens in an editor. Text that is no UTF-8 goes through unharmed."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import sys
import tempfile

from nxtplay.cli.run import configured
from nxtplay.errors import Diagnostic, NxtplayError, UsageError

MEMORY = "/dev/shm"


def read(path: str) -> str:
    """What a file or, for `-`, stdin holds. Raises UsageError."""
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(Diagnostic(f"cannot read {path}: {error.strerror}")) from error


def write(path: str, text: str) -> None:
    """Replace the file at once, with its permissions and owner; a new one belongs to its owner alone. `-`: stdout."""
    data = text.encode("utf-8", "surrogateescape")
    if path == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = os.path.realpath(path)
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(path))
        try:
            with open(handle, "wb") as stream:
                if os.path.exists(path):
                    before = os.stat(path)
                    if os.geteuid() == 0:
                        os.chown(draft, before.st_uid, before.st_gid)
                    os.chmod(draft, stat.S_IMODE(before.st_mode))
                stream.write(data)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise NxtplayError(Diagnostic(f"cannot write {path}: {error.strerror}")) from error


def edited(text: str, path: str) -> str:
    """What an editor leaves of a text. It lies in a private folder meanwhile, in memory where that can be, which is removed however the
    editor ends. `path` is where the result will be written."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK):
        raise UsageError(Diagnostic(f"cannot write {path}: {folder} is no folder that can be written to"))
    editor = shlex.split(configured().get("editor") or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="nxtplay-", dir=memory, ignore_cleanup_errors=True) as place:  # 0700
        draft = os.path.join(place, os.path.basename(path))
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        _run([*editor, draft])
        return read(draft)


def _run(command: list[str]) -> None:
    """The editor, to its end. Ctrl-C is the editor's own."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # a handler, so that the editor starts without it
    try:
        code = subprocess.run(command).returncode
    except OSError as error:
        raise UsageError(Diagnostic(f"cannot start the editor {command[0]}: {error.strerror}", hint="set EDITOR")) from error
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise NxtplayError(Diagnostic(f"the editor {how}; nothing was changed"))
