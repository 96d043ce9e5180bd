"""What the modules share that edit a text file: lineinfile, blockinfile, replace, ini_file and their kind."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Callable, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _files


def place(host: Reader, path: str) -> str:
    """The file itself; links are followed, as an editor would."""
    return host.resolve(_files.host_path(path))


def desired(
    host: Reader, args: Any, path: str, before: Optional[FileState], edit: Callable[[bytes], bytes], *, create: bool
) -> Optional[FileState]:
    """The file with its text edited. Failed where there is none and none is to be made."""
    _files.check_validate(args.validate)
    if before is not None and before.kind == "directory":
        raise Failed(f"Path {path} is a directory !", rc=256)
    made: dict[str, FileState] = {}
    if before is None:
        if not create:
            raise Failed(f"Destination {path} does not exist ! create: true makes it", rc=257)
        plain = dataclasses.replace(args, owner=None, group=None, mode=None)
        made = _files.new_directories(host, plain, _files.missing_parents(host, path))
        base = _files.fresh(host, path, "file", made.get(path.rsplit("/", 1)[0]))
    else:
        base = before
    old = b"" if before is None else host.read(path)
    new = edit(old)
    content = Content.of(new) if before is None or new != old else base.content
    return _files.holding(_files.with_attributes(host, args, base), content, path)


def parents(host: Reader, args: Any, plan: Plan[FileState]) -> dict[str, FileState]:
    """The directories to be made for a new file, with their states."""
    if plan.after is None or plan.after.path is None:
        return {}
    plain = dataclasses.replace(args, owner=None, group=None, mode=None)
    return _files.new_directories(host, plain, _files.missing_parents(host, plan.after.path))


def also_foresee(host: Reader, args: Any, plan: Plan[FileState]) -> list[tuple[str, Any]]:
    if plan.after is None or plan.before is not None:
        return []
    states = {**parents(host, args, plan), str(plan.after.path): plan.after}
    return [(f"file:{path}", state) for path, state in states.items()]


def apply(host: Host, args: Any, plan: Plan[FileState], edit: Callable[[bytes], bytes]) -> None:
    """Write the edited file, and warn where a second run would edit it again."""
    after = plan.after
    assert after is not None and after.path is not None
    for directory, state in parents(host, args, plan).items() if plan.before is None else ():
        _files.make_directory(host, directory, state)
    data = after.content.data if isinstance(after.content, Content) and plan.changed("content") else None
    if plan.changed("content") and data is None:
        raise Failed(f"{after.path} is too large to edit")
    if data is not None and edit(data) != data:
        host.note(warnings=[f"this task changes {after.path} every time it runs: what it writes is not what it looks for"])
    _files.put(host, args, after.path, plan.before, after, data)


class Edited:
    """What modules have in common that keep one thing in a file. They say `edited` (or `edit`, of bytes) and which `file`."""

    creates = True  # whether a file that is not there is made

    def file(self) -> str:
        """The file as given; links are followed."""
        return str(getattr(self, "path"))  # noqa: B009

    def edited(self, text: str) -> str:
        """The text as wanted; of its own result it wants no change."""
        raise NotImplementedError

    def edit(self, text: bytes) -> bytes:
        """The same for what the file holds, in whatever encoding."""
        return self.edited(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def key(self) -> str:
        return _files.file_key(self.file())

    def key_on(self, host: Reader) -> str:
        return "file:" + place(host, self.file())

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(place(host, self.file()), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        if before is None and self.creates and not self.edit(b""):
            return None
        return desired(host, self, place(host, self.file()), before, self.edit, create=self.creates)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        apply(host, self, plan, self.edit)

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        return also_foresee(host, self, plan)


def split(text: bytes) -> list[bytes]:
    """Lines with their newlines; only \\n ends one."""
    return re.findall(rb"[^\n]*\n|[^\n]+$", text)


def said(before: Optional[FileState], after: Optional[FileState], added: str, otherwise: str) -> str:
    """What happened to the text, in the words of the module; "" where it is as it was."""
    old = before.content if before is not None else None
    new = after.content if after is not None else None
    if isinstance(old, Unknown) or isinstance(new, Unknown) or old == new:
        return ""
    return added if new is not None and old is not None and new.size > old.size else otherwise
