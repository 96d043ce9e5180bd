"""offsite_copy: files of a folder, copied to somewhere else or back, compared by hash."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _files, _offsite


@dataclass(frozen=True)
class Copy:
    """A file by its hash."""

    sha256: Any


@dataclass(frozen=True)
class Copies:
    """Files at the place (or, with `pull`, in the folder) by name; None where one is not there."""

    files: dict[str, Optional[Copy]]


class OffsiteCopy(_offsite.OffsiteLogin, Resource[Copies]):
    """Bring files to a mounted folder, an SSH server or S3 (push), or back from there (pull). What is there already is compared by hash; a
    copy gets its name only when all of it has arrived, and is hashed once more at the place."""

    private = False

    path: Path = arg(help="Folder of the files on the host.", key=True)
    files: list[str] = arg(help="Their names in it.", key=True)
    direction: Literal["push", "pull"] = arg("push", help="To the place, or from it.")
    state: Literal["present", "absent"] = arg("present", help="With push: whether the copies should be at the place.")

    def key(self) -> str:
        return f"offsite:{self.direction}:{self.url}:{','.join(self.files)}"

    def observe(self, host: Reader) -> Optional[Copies]:
        if host.has_foreseen(self.key()):
            found: Optional[Copies] = host.foreseen(self.key())
            return found
        if self.direction == "pull":
            return Copies({name: self._here(host, name) for name in self.files})
        there = _offsite.place(self, host).sha256(self.files)
        return Copies({name: Copy(there[name]) if name in there else None for name in self.files})

    def desired(self, host: Reader, before: Optional[Copies]) -> Optional[Copies]:
        if self.state == "absent":
            return Copies(dict.fromkeys(self.files, None))
        if self.direction == "push":
            wanted = {name: self._here(host, name) for name in self.files}
            missing = [name for name, copy in wanted.items() if copy is None]
            if missing:
                raise Failed(f"there is no {', '.join(missing)} in {self.path} to copy")
            return Copies(wanted)
        _files.parent_state(host, os.path.join(_files.host_path(self.path), "x"))
        there = _offsite.place(self, host).sha256(self.files)
        missing = [name for name in self.files if name not in there]
        if missing:
            raise Failed(f"{self.url} has no {', '.join(missing)}")
        return Copies({name: Copy(there[name]) for name in self.files})

    def apply(self, host: Host, plan: Plan[Copies]) -> None:
        place = _offsite.place(self, host)
        folder = _files.host_path(self.path)
        for name in self._differing(plan.before, plan.after):
            host.progress(f"{name} {'to' if self.direction == 'push' else 'from'} {self.url}")
            path = os.path.join(folder, name)
            if self.state == "absent":
                place.remove(name)
            elif self.direction == "push":
                place.put(path, name)
            else:
                host.replace_with(path, lambda stream, name=name: place.get(name, stream.write), mode=0o600)  # type: ignore[misc]

    def also_foresee(self, host: Reader, plan: Plan[Copies]) -> Sequence[tuple[str, Any]]:
        folder = _files.host_path(self.path) if self.direction == "pull" else _offsite.folder_of(self.url)
        if folder is None or plan.after is None:
            return ()
        out = []
        for name in self._differing(plan.before, plan.after):
            path = os.path.join(folder, name)
            copy = plan.after.files[name]
            out.append((_files.file_key(path), self._arrived(host, path, copy) if copy is not None else None))
        return out

    def result(self, before: Optional[Copies], after: Optional[Copies]) -> dict[str, Any]:
        return {"url": self.url, "copied": self._differing(before, after)}

    # -- on the way

    def _here(self, host: Reader, name: str) -> Optional[Copy]:
        path = os.path.join(_files.host_path(self.path), name)
        state = host.stat(path, content=True, follow=True)
        if state is None:
            return None
        if isinstance(state.content, Unknown):
            return Copy(state.content)
        return Copy(state.content.sha256 if state.content else None)

    def _arrived(self, host: Reader, path: str, copy: Copy) -> FileState:
        known = isinstance(copy.sha256, str) and not copy.sha256.startswith("md5:")
        content: Any = Content(copy.sha256, -1) if known else Unknown(f"{path} is not there yet")
        if self.direction == "pull" and path.endswith(".json"):  # small, and what later tasks ask for: a check reads it where it is
            held = bytearray()
            _offsite.place(self, host).get(os.path.basename(path), held.extend)
            content = Content.of(bytes(held))
        live = host.stat(path) if self.direction == "pull" else None
        return dataclasses.replace(live or _files.fresh(host, path, "file"), mode=0o600, content=content, inode=None)

    @staticmethod
    def _differing(before: Optional[Copies], after: Optional[Copies]) -> list[str]:
        old, new = (before.files if before else {}), (after.files if after else {})
        return [name for name in new if (new[name] is None and old.get(name) is not None) or _differs(old.get(name), new[name])]


def _differs(old: Optional[Copy], new: Optional[Copy]) -> bool:
    if new is None:
        return False
    if old is None or isinstance(new.sha256, Unknown) or isinstance(old.sha256, Unknown):
        return True
    return bool(old.sha256 != new.sha256)
