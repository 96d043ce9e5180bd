"""mount_facts: what is mounted, and what the tables of file systems say is to be."""

from __future__ import annotations

import fnmatch
import os
import threading
from typing import Any, Iterator, Literal, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules import _block, _facts

DYNAMIC, STATIC = ("/etc/mtab", "/proc/mounts", "/etc/mnttab"), ("/etc/fstab", "/etc/vfstab")
Row = dict[str, Any]


class MountFacts(Query):
    """Look at mounts; they become the facts `mount_points`, by path, and `aggregate_mounts`, a list of all that was found."""

    devices: list[str] | None = arg(None, help="Only these devices; patterns as of a shell.")
    fstypes: list[str] | None = arg(None, help="Only these types of file systems; patterns as of a shell.")
    sources: list[str] | None = arg(None, help="Where to look, in this order: files, `mount`, or all, dynamic, static. All of them.")
    mount_binary: str | None = arg("mount", help="The program that tells of mounts where no file of `dynamic` is there.")
    timeout: float | None = arg(None, help="Seconds for one mount to answer.")
    on_timeout: Literal["error", "warn", "ignore"] = arg("error", help="What becomes of one that does not answer.")
    include_aggregate_mounts: bool | None = arg(None, help="Whether aggregate_mounts holds all that was found.")

    def look(self, host: Reader) -> dict[str, Any]:
        if self.timeout is not None and self.timeout <= 0:
            raise Failed(f"argument 'timeout' must be a positive number or null, not {self.timeout:g}")
        warnings: list[str] = []
        uuids = _block.uuids()
        found = [self._whole(source, row, line, uuids, warnings) for source, row, line in self._rows(host) if self._wanted(row)]
        points: dict[str, Row] = {}
        for one in found:
            points.setdefault(one["mount"], one)
        twice = sorted({one["mount"] for one in found if one is not points[one["mount"]]})
        if twice and self.include_aggregate_mounts is None:
            warnings.append(f"several mounts at {', '.join(twice)}: the first is told; include_aggregate_mounts: true tells all")
        facts = {"mount_points": points, "aggregate_mounts": found if self.include_aggregate_mounts else []}
        return {"ansible_facts": facts, **({"warnings": warnings} if warnings else {})}

    def _rows(self, host: Reader) -> Iterator[tuple[str, Row, str]]:
        """(where it stands, what it says, the line); a file that is named twice, by a link say, is read once."""
        seen: set[str] = set()
        for source in self._places(host):
            place = os.path.realpath(source) if source.startswith("/") else source
            if place in seen:
                continue
            seen.add(place)
            if source == self.mount_binary:
                yield from self._by_program(host, source)
                continue
            for line in _facts.read(source).splitlines():
                row = _block.row(line)
                if row is not None:
                    yield source, row, line

    def _places(self, host: Reader) -> list[str]:
        out: list[str] = []
        for source in ["all"] if self.sources is None else self.sources:
            if not source:
                raise Failed("sources contains an empty string")
            if source in ("all", "dynamic"):
                there = [path for path in DYNAMIC if host.exists(path)]
                out += there or [name for name in [self.mount_binary] if name]
            if source in ("all", "static"):
                out += STATIC
            if source not in ("all", "dynamic", "static"):
                out.append(source)
        return out

    def _by_program(self, host: Reader, program: str) -> Iterator[tuple[str, Row, str]]:
        """`DEVICE on MOUNT type FSTYPE (OPTIONS)`."""
        path = program if program.startswith("/") else host.which(program)
        for line in host.look([path]).stdout.splitlines() if path else ():
            device, on, rest = line.partition(" on ")
            mount, typed, rest = rest.rpartition(" type ")
            fstype, _, options = rest.partition(" ")
            if on and typed:
                row = {"device": device, "mount": mount, "fstype": fstype, "options": options.strip("()")}
                yield program, row, line

    def _wanted(self, row: Row) -> bool:
        chosen: tuple[tuple[Optional[list[str]], str], ...] = ((self.devices, row["device"]), (self.fstypes, row["fstype"]))
        return all(patterns is None or any(fnmatch.fnmatchcase(value, one) for one in patterns) for patterns, value in chosen)

    def _whole(self, source: str, row: Row, line: str, uuids: dict[str, list[str]], warnings: list[str]) -> Row:
        context = {"source": source, "source_data": line}
        return {**row, "uuid": _block.uuid(row["device"], uuids), **self._room(row["mount"], warnings), "ansible_context": context}

    def _room(self, mount: str, warnings: list[str]) -> dict[str, int]:
        """How large it is; nothing of one that does not answer in time, unless that is an error."""
        if self.timeout is None:
            return _block.room(mount)
        answer: list[dict[str, int]] = []
        asking = threading.Thread(target=lambda: answer.append(_block.room(mount)), daemon=True)
        asking.start()
        asking.join(self.timeout)
        if answer:
            return answer[0]
        said = f"{mount} does not answer within {self.timeout:g} s"
        if self.on_timeout == "error":
            raise Failed(said)
        warnings += [said] if self.on_timeout == "warn" else []
        return {}
