"""mount: file systems in /etc/fstab, and in place."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, decode, required_if
from nxtplay.core.state import Plan, Secret
from nxtplay.core.types import Path
from nxtplay.modules import _files

MOUNTED = ("mounted", "ephemeral", "remounted")


@dataclass(frozen=True)
class _Mount:
    """`entry`: the fields of its line in fstab; `mounted`: whether something is mounted there; `point`: whether the directory is there."""

    entry: Optional[tuple[str, ...]]
    mounted: bool
    point: bool


class Mount(Resource[_Mount]):
    """A file system in /etc/fstab, mounted or not."""

    rules = (required_if("state", ("mounted", "present", "ephemeral"), "src", "fstype"),)

    path: Path = arg(help="Where it is mounted; none or swap for swap space.", aliases=["name"], key=True)
    src: str | None = arg(None, help="The device, or what else is mounted.")
    fstype: str | None = arg(None, help="The type of the file system.")
    opts: str | None = arg(None, help="Options, separated by commas.")
    opts_no_log: bool = arg(False, help="Whether the options are kept from the output.")
    dump: str | None = arg(None, help="The field for dump.")
    passno: str | None = arg(None, help="The order of checks at the start.")
    state: Literal["absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"] = arg(
        help="mounted: in fstab and mounted; present: in fstab; unmounted: not mounted; absent: neither, nor its directory; ephemeral: "
        "mounted, not in fstab."
    )
    fstab: Path = arg(Path("/etc/fstab"), help="The file.")
    boot: bool = arg(True, help="Whether it is mounted at the start.")
    backup: bool = arg(False, help="Keep a copy of the old file.")

    def observe(self, host: Reader) -> Optional[_Mount]:
        fields = next((one for one in map(_fields, self._text(host).splitlines()) if one and self._is(one)), None)
        foreseen = host.foreseen(self.key())
        mounted = foreseen.mounted if isinstance(foreseen, _Mount) else self._mounted()
        return _Mount(fields, mounted, self._is_swap() or host.is_dir(self._place()))

    def desired(self, host: Reader, before: Optional[_Mount]) -> Optional[_Mount]:
        assert before is not None
        after = before
        if self.state in ("mounted", "present"):
            after = dataclasses.replace(after, entry=self._entry(before.entry))
        elif self.state in ("absent", "absent_from_fstab"):
            after = dataclasses.replace(after, entry=None)
        if self.state in MOUNTED:
            after = dataclasses.replace(after, mounted=not self._is_swap(), point=True)
            if self.state == "remounted" and not before.mounted:
                raise Failed(f"nothing is mounted at {self.path}")
        elif self.state in ("unmounted", "absent"):
            after = dataclasses.replace(after, mounted=False, point=after.point and (self.state != "absent" or self._is_swap()))
        if after != before and os.geteuid() != 0:
            raise Failed("only root may mount (try become: true)")
        return after

    def due(self, host: Reader, plan: Plan[_Mount]) -> Optional[str]:
        if self.state == "remounted" or (self.state == "mounted" and plan.changed("entry") and plan.before and plan.before.mounted):
            return "is mounted again"
        return None

    def apply(self, host: Host, plan: Plan[_Mount]) -> None:
        assert plan.after is not None and plan.before is not None
        if plan.before.mounted and not plan.after.mounted:
            host.run([host.which("umount") or "umount", self._place()], check=True)
        if plan.changed("point"):
            if plan.after.point:
                for directory in [*_files.missing_parents(host, self._place()), self._place()]:
                    host.mkdir(directory)
            else:
                self._drop_point()
        if plan.changed("entry"):
            if self.backup and host.exists(self.fstab):
                host.note(backup_file=_files.keep_backup(self.fstab))
            host.write(self.fstab, self._edited(host, plan.after.entry).encode(), mode=None if host.exists(self.fstab) else 0o644)
        if plan.after.mounted and not plan.before.mounted:
            self._mount(host)

    def perform(self, host: Host, plan: Plan[_Mount]) -> None:
        words = ["-o", ",".join(["remount", *([self.opts] if self.opts else [])])]
        host.run([host.which("mount") or "mount", *words, self._place()], check=True)

    def also_foresee(self, host: Reader, plan: Plan[_Mount]) -> Sequence[tuple[str, Any]]:
        assert plan.after is not None
        out: list[tuple[str, Any]] = []
        if plan.changed("entry"):
            now = host.stat(self.fstab) or _files.fresh(host, self.fstab, "file")
            content = Content.of(self._edited(host, plan.after.entry).encode())
            out.append((f"file:{self.fstab}", FileState("file", now.mode, now.uid, now.gid, content, path=self.fstab)))
        if plan.changed("point"):
            if not plan.after.point:
                return [*out, (f"file:{self._place()}", None)]
            paths = [*_files.missing_parents(host, self._place()), self._place()]
            out += [(f"file:{path}", state) for path, state in _files.new_directories(host, decode(_Plain, {}), paths).items()]
        return out

    def result(self, before: Optional[_Mount], after: Optional[_Mount]) -> dict[str, Any]:
        opts = Secret(self.opts) if self.opts and self.opts_no_log else self.opts
        return {"name": self.path, "src": self.src, "fstype": self.fstype, "opts": opts, "fstab": self.fstab, "boot": self.boot}

    # -- fstab

    def _is_swap(self) -> bool:
        return self.fstype == "swap" or self.path in ("none", "swap")

    def _place(self) -> str:
        return _files.host_path(self.path)

    def _is(self, fields: tuple[str, ...]) -> bool:
        if self._is_swap():
            return fields[1] in ("none", "swap") and fields[2] == "swap" and fields[0] == _escaped(self.src or "")
        return fields[1] == _escaped(self._place())

    def _entry(self, now: Optional[tuple[str, ...]]) -> tuple[str, ...]:
        opts = self.opts or "defaults"
        if not self.boot and "noauto" not in opts.split(","):
            opts += ",noauto"
        point = self.path if self._is_swap() else self._place()
        return tuple(map(_escaped, (str(self.src), point, str(self.fstype), opts, self.dump or "0", self.passno or "0")))

    def _text(self, host: Reader) -> str:
        return host.read(self.fstab).decode("utf-8", "replace") if host.exists(self.fstab) else ""

    def _edited(self, host: Reader, entry: Optional[tuple[str, ...]]) -> str:
        out: list[str] = []
        waiting = [" ".join(entry)] if entry is not None else []
        for line in self._text(host).splitlines():
            fields = _fields(line)
            if fields and self._is(fields):
                out += [waiting.pop()] if waiting else []
            else:
                out.append(line)
        return "".join(f"{line}\n" for line in [*out, *waiting])

    # -- what is mounted

    def _mounted(self) -> bool:
        if self._is_swap():
            return False
        place = os.path.realpath(self._place())
        with open("/proc/self/mountinfo") as stream:
            return any(_plain(line.split(" ")[4]) == place for line in stream)

    def _mount(self, host: Host) -> None:
        if self.state == "mounted" and self.fstab == "/etc/fstab":
            words = [self._place()]
        else:
            words = ["-t", str(self.fstype), *(["-o", self.opts] if self.opts else []), str(self.src), self._place()]
        host.run([host.which("mount") or "mount", *words], check=True)

    def _drop_point(self) -> None:
        try:
            os.rmdir(self._place())
        except OSError as error:
            raise Failed(f"cannot remove {self._place()}: {error.strerror}") from error


class _Plain(_files.Ownership):
    """The directory as the system makes it."""


def _fields(line: str) -> Optional[tuple[str, ...]]:
    """The six fields of a line of fstab; None for what is no entry."""
    words = line.split()
    if len(words) < 4 or line.lstrip().startswith("#"):
        return None
    return tuple([*words, "0", "0"][:6]) if len(words) < 6 else tuple(words[:6])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\134").replace(" ", r"\040").replace("\t", r"\011")


def _plain(text: str) -> str:
    return text.replace(r"\040", " ").replace(r"\011", "\t").replace(r"\134", "\\")
