"""find: paths below a directory, by name, kind, age, size, content."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat as stat_
import time
from typing import Any, Iterator, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Reader
from nxtplay.core.modes import apply_symbolic_mode, octal
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import Raw
from nxtplay.modules import _files

AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Find(Query):
    """List what is below directories; in a check as earlier tasks would have left it."""

    paths: list[str] = arg(help="Directories to search.", aliases=["name", "path"])
    patterns: list[str] = arg(
        default_factory=list, help="Shell patterns (or expressions, with use_regex) for the name.", aliases=["pattern"]
    )
    excludes: list[str] | None = arg(None, help="Patterns of names to leave out.", aliases=["exclude"])
    use_regex: bool = arg(False, help="patterns and excludes are regular expressions.")
    file_type: Literal["file", "directory", "link", "any"] = arg("file", help="What to list.")
    recurse: bool = arg(False, help="Search below, too.")
    depth: int | None = arg(None, help="How many levels deep.")
    hidden: bool = arg(False, help="Names that begin with a dot, too.")
    follow: bool = arg(False, help="Follow links to directories.")
    age: str | None = arg(None, help="At least as old (2d), or with a minus at most as old (-1h).")
    age_stamp: Literal["atime", "ctime", "mtime"] = arg("mtime", help="Which time is the age.")
    size: str | None = arg(None, help="At least as large (10m), or with a minus at most as large.")
    contains: str | None = arg(None, help="An expression that a line of the file has to match from its start.")
    read_whole_file: bool = arg(False, help="contains is searched in the whole file.")
    get_checksum: bool = arg(False, help="Tell each file's checksum.")
    checksum_algorithm: str = arg("sha1", help="Which hash.", aliases=["checksum", "checksum_algo"])
    mode: Raw | None = arg(None, help="Permissions that the file has.")
    exact_mode: bool = arg(True, help="The permissions are exactly mode; else at least.")
    limit: int | None = arg(None, help="List so many at most.")
    encoding: str | None = arg(None, help="Encoding of the files that contains looks into.")

    def look(self, host: Reader) -> dict[str, Any]:
        now = time.time()
        oldest, largest = self._measure(self.age, AGES, "s", "age"), self._measure(self.size, SIZES, "b", "size")
        files: list[dict[str, Any]] = []
        skipped: dict[str, str] = {}
        examined = 0
        for root in self.paths:
            path = _files.host_path(root)
            if not host.is_dir(path):
                skipped[root] = f"'{root}' is not a directory"
                continue
            for entries in self._walk(host, path, 1, skipped):
                examined += len(entries)
                try:
                    for found, state in entries.items():
                        facts = None if state is None else self._facts(host, found, state, now, oldest, largest)
                        if facts is not None:
                            files.append(facts)
                        if len(files) == self.limit:
                            return self._result(files, examined, skipped, "Limit of matches reached")
                except (UnicodeDecodeError, LookupError) as error:
                    unreadable = f"Failed to read the file {found} due to an encoding error. current encoding: {self.encoding}"
                    skipped[root] = str(error) if isinstance(error, LookupError) else unreadable
                    break
        return self._result(files, examined, skipped, "All paths examined")

    def _result(self, files: list[dict[str, Any]], examined: int, skipped: dict[str, str], told: str) -> dict[str, Any]:
        told = "Not all paths examined, check warnings for details" if skipped else told
        return {"files": files, "matched": len(files), "examined": examined, "skipped_paths": skipped, "msg": told}

    def _walk(self, host: Reader, directory: str, level: int, skipped: dict[str, str]) -> Iterator[dict[str, Optional[FileState]]]:
        """What is in each directory, from the top; what is just beyond depth counts as examined, and comes without a state. A directory
        that may not be looked into is `skipped`, with the reason."""
        try:
            paths = [os.path.join(directory, name) for name in host.listdir(directory)]
            beyond = bool(self.depth) and level > self.depth  # type: ignore[operator]
            entries = dict.fromkeys(paths) if beyond else {path: host.stat(path) for path in paths}
        except Failed as failed:
            skipped[directory] = failed.message
            return
        yield entries
        for path, state in entries.items() if self.recurse and level < 100 else ():
            if state is not None and (state.kind == "directory" or (self.follow and state.kind == "link" and host.is_dir(path))):
                yield from self._walk(host, path, level + 1, skipped)

    def _facts(
        self, host: Reader, path: str, state: FileState, now: float, oldest: Optional[float], largest: Optional[float]
    ) -> Optional[dict[str, Any]]:
        """What is told of a path; None where it does not belong to what is looked for."""
        if isinstance(state.kind, Unknown):
            raise UnknownReached(state.kind)
        name = os.path.basename(path)
        if self.file_type not in ("any", state.kind) or (name.startswith(".") and not self.hidden) or not self._named(name):
            return None
        live = self._live(host, path)
        age = None if live is None else now - getattr(live, "st_" + self.age_stamp)
        size = _size(state, live)
        if oldest is not None and not _beyond(age if age is not None else 0.0, oldest):
            return None
        if largest is not None and state.kind == "file" and not _beyond(float(size), largest):
            return None
        if not self._mode_fits(state) or not self._content_fits(host, path, state):
            return None
        return self._told(host, path, state, live, size)

    def _named(self, name: str) -> bool:
        def fits(pattern: str) -> bool:
            if not self.use_regex:
                return fnmatch.fnmatch(name, pattern)
            try:
                return re.match(pattern, name) is not None
            except re.error as error:
                raise Failed(f"patterns: '{pattern}' is no regular expression: {error}") from None

        return (not self.patterns or any(map(fits, self.patterns))) and not any(map(fits, self.excludes or []))

    def _live(self, host: Reader, path: str) -> Optional[os.stat_result]:
        """The live file's numbers; None for one that is only foreseen."""
        if host.has_foreseen("file:" + host.canonical(path)):
            return None
        try:
            return os.lstat(path)
        except OSError:
            return None

    def _mode_fits(self, state: FileState) -> bool:
        if self.mode is None:
            return True
        if not isinstance(state.mode, int):
            raise UnknownReached(state.mode) if isinstance(state.mode, Unknown) else Failed("a file without a mode")
        text = octal(self.mode) if isinstance(self.mode, int) else str(self.mode)
        if re.fullmatch(r"[0-7]+", text):
            wanted = int(text, 8)
        else:
            wanted = apply_symbolic_mode(text, 0, is_directory=state.kind == "directory", umask=0)
        return state.mode == wanted if self.exact_mode else state.mode & wanted == wanted

    def _content_fits(self, host: Reader, path: str, state: FileState) -> bool:
        if self.contains is None or self.file_type != "file":
            return True
        try:
            text = host.read(path).decode(self.encoding or "utf-8", "strict" if self.encoding else "surrogateescape")
        except Failed:
            return False
        try:
            if self.read_whole_file:
                return re.search(self.contains, text) is not None
            return any(re.match(self.contains, line) for line in text.splitlines())
        except re.error as error:
            raise Failed(f"contains: '{self.contains}' is no regular expression: {error}") from None

    def _told(self, host: Reader, path: str, state: FileState, live: Optional[os.stat_result], size: Any) -> dict[str, Any]:
        later = Unknown(f"{path} is only foreseen")
        out = {
            "path": path,
            "mode": octal(state.mode) if isinstance(state.mode, int) else state.mode,
            "uid": state.uid,
            "gid": state.gid,
            "size": size,
            "pw_name": _files.user_name(state.uid),
            "gr_name": _files.group_name(state.gid),
            "isreg": state.kind == "file",
            "isdir": state.kind == "directory",
            "islnk": state.kind == "link",
            "isblk": state.kind == "block",
            "ischr": state.kind == "char",
            "isfifo": state.kind == "fifo",
            "issock": state.kind == "socket",
        }
        for name in ("atime", "ctime", "mtime", "ino", "dev", "nlink"):
            out["inode" if name == "ino" else name] = later if live is None else getattr(live, f"st_{name}")
        if isinstance(state.mode, int):
            out.update(
                {
                    f"{p}{w}": bool(state.mode & bit)
                    for w, shift in (("usr", 6), ("grp", 3), ("oth", 0))
                    for p, bit in (("r", 4 << shift), ("w", 2 << shift), ("x", 1 << shift))
                }
            )
            out.update(isuid=bool(state.mode & stat_.S_ISUID), isgid=bool(state.mode & stat_.S_ISGID))
        if self.get_checksum and state.kind == "file":
            out["checksum"] = hashlib.new(self.checksum_algorithm, host.read(path)).hexdigest()
        return out

    def _measure(self, text: Optional[str], units: dict[str, int], default: str, name: str) -> Optional[float]:
        """A size or an age in bytes or seconds, below zero for `at most`."""
        if text is None:
            return None
        found = re.fullmatch(rf"(-?\d+)({'|'.join(units)})?", text.strip().lower())
        if not found:
            raise Failed(
                f"{name}: '{text}' is no {name}; write a number and one of {', '.join(units)}, such as {'2d' if name == 'age' else '10m'}"
            )
        return float(int(found.group(1)) * units[found.group(2) or default])


def _beyond(value: float, limit: float) -> bool:
    return value >= limit if limit >= 0 else value <= -limit


def _size(state: FileState, live: Optional[os.stat_result]) -> Any:
    if state.content is not None:
        return state.content if isinstance(state.content, Unknown) else state.content.size
    return live.st_size if live is not None else Unknown(f"{state.path} is only foreseen")
