"""apt_repository: a line in apt's sources."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Mode
from nxtplay.modules import _files, _packages

MAIN = "/etc/apt/sources.list"
FOLDER = "/etc/apt/sources.list.d"


@dataclass(frozen=True)
class Sources:
    """The texts of apt's .list files by path; None: a file that shall go."""

    files: dict[str, Optional[str]] = field(default_factory=dict)


class AptRepository(Resource[Sources]):
    """Keep a repository among apt's sources, or out of them; the package lists are fetched when something changed."""

    repo: str = arg(help="The line, such as deb http://deb.debian.org/debian bookworm main.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the repository is used.")
    filename: str | None = arg(None, help="Name of the file in sources.list.d, without .list; else made of the address.")
    mode: Mode | None = arg(None, help="Permissions of a new file (0644).")
    update_cache: bool = arg(True, help="Fetch the package lists when something changed.", aliases=["update-cache"])
    update_cache_retries: int = arg(5, help="How often fetching is tried again.")
    update_cache_retry_max_delay: int = arg(12, help="Seconds between two tries at most.")
    validate_certs: bool = arg(True, help="Of no effect: nothing is fetched but by apt.")
    codename: str | None = arg(None, help="Of no effect for lines of deb.")
    install_python_apt: bool = arg(True, help="Of no effect: nothing is needed.")

    def observe(self, host: Reader) -> Optional[Sources]:
        if not host.is_dir(os.path.dirname(MAIN)):
            raise Failed("no apt on this host")
        names = host.listdir(FOLDER) if host.is_dir(FOLDER) else []
        paths = [MAIN, *(os.path.join(FOLDER, name) for name in names if name.endswith(".list"))]
        return Sources({path: host.read(path).decode("utf-8", "surrogateescape") for path in paths if host.exists(path)})

    def desired(self, host: Reader, before: Optional[Sources]) -> Optional[Sources]:
        assert before is not None
        wanted = _words(self.repo)
        if self.repo.startswith("ppa:"):
            raise Failed("repo: a ppa is not looked up here; write its line: deb https://ppa.launchpadcontent.net/OWNER/NAME/ubuntu ...")
        if len(wanted) < 3 or wanted[0] not in ("deb", "deb-src"):
            raise Failed(f"repo: '{self.repo}' is no line of apt's sources, such as deb http://deb.debian.org/debian bookworm main")
        lines = {path: (text or "").splitlines(keepends=True) for path, text in before.files.items()}
        same = [(path, index) for path, all_ in lines.items() for index, line in enumerate(all_) if _words(line) == wanted]
        if self.state == "absent":
            gone = set(same)
            kept = {path: "".join(line for i, line in enumerate(all_) if (path, i) not in gone) for path, all_ in lines.items()}
            touched = {path for path, _ in same}
            return Sources({path: None if path in touched and path != MAIN and not text.strip() else text for path, text in kept.items()})
        if any(not lines[path][index].lstrip().startswith("#") for path, index in same):
            return before
        if same:  # there, but as a comment
            path, index = same[0]
            lines[path][index] = self.repo.strip() + "\n"
            return Sources({**before.files, path: "".join(lines[path])})
        path = self._path()
        text = before.files.get(path) or ""
        text += "\n" if text and not text.endswith("\n") else ""
        return Sources({**before.files, path: f"{text}{self.repo.strip()}\n"})

    def apply(self, host: Host, plan: Plan[Sources]) -> None:
        before, after = self._files(plan.before), self._files(plan.after)
        changed = {path: text for path, text in after.items() if before.get(path) != text}
        for path, text in changed.items():
            self._write(host, path, text)
        if self.update_cache:
            try:
                _packages.update(host, lock_timeout=60, retries=self.update_cache_retries, delay=self.update_cache_retry_max_delay)
            except Failed:
                for path in changed:
                    self._write(host, path, before.get(path))
                raise

    def also_foresee(self, host: Reader, plan: Plan[Sources]) -> Sequence[tuple[str, Any]]:
        before, out = self._files(plan.before), []
        for path, text in self._files(plan.after).items():
            if before.get(path) != text:
                state = host.stat(path) or FileState("file", self._mode(), os.geteuid(), os.getegid())
                content = None if text is None else Content.of(text.encode("utf-8", "surrogateescape"))
                out.append((f"file:{path}", None if content is None else _files.holding(state, content, path)))
        return out

    def result(self, before: Optional[Sources], after: Optional[Sources]) -> dict[str, Any]:
        was, now = ({path for path, text in self._files(state).items() if text is not None} for state in (before, after))
        return {"repo": self.repo, "state": self.state, "sources_added": sorted(now - was), "sources_removed": sorted(was - now)}

    # -- files

    def _files(self, state: Optional[Sources]) -> dict[str, Optional[str]]:
        return state.files if state is not None else {}

    def _path(self) -> str:
        if self.filename is None:
            return os.path.join(FOLDER, _name_of(self.repo) + ".list")
        name = self.filename if self.filename.endswith(".list") else self.filename + ".list"
        return name if os.path.isabs(name) else os.path.join(FOLDER, name)

    def _mode(self) -> int:
        mode = _files.mode_bits(self.mode or "0644", FileState("file", 0o644))
        return mode if isinstance(mode, int) else 0o644

    def _write(self, host: Host, path: str, text: Optional[str]) -> None:
        if text is None:
            host.remove(path)
        else:
            host.write(path, text.encode("utf-8", "surrogateescape"), mode=None if host.exists(path) else self._mode())


def _words(line: str) -> list[str]:
    """A line of sources as its words, a disabled one too; what is in brackets is one of them."""
    text = line.strip().lstrip("#").strip()
    return re.findall(r"\[[^\]]*\]|[^\s#]\S*", text.partition(" #")[0])


def _name_of(repo: str) -> str:
    """A file's name made of a repository's address: deb_debian_org_debian."""
    plain = [word for word in _words(repo) if not word.startswith("[")]
    address = re.sub(r"^\w+:/*", "", plain[1]).rpartition("@")[2]
    return "_".join(re.findall(r"[A-Za-z0-9]+", address))
