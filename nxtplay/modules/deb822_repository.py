"""deb822_repository: a repository of apt in a .sources file of its own, with its key."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan
from nxtplay.core.types import Mode
from nxtplay.modules import _files, _http

FOLDER = "/etc/apt/sources.list.d"
KEYRINGS = "/etc/apt/keyrings"
ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
SPELLED = {"name": "X-Repolib-Name", "uris": "URIs"}
FIELDS = (
    "allow_downgrade_to_insecure allow_insecure allow_weak architectures by_hash check_date check_valid_until components date_max_future "
    "enabled inrelease_path languages name pdiffs suites targets trusted types uris"
).split()


@dataclass(frozen=True)
class _Repository:
    """The .sources file and the key that came with it; None: no key of ours."""

    file: FileState
    key: Optional[FileState] = None


class Deb822Repository(Resource[_Repository]):
    """Keep a repository in /etc/apt/sources.list.d/NAME.sources. The package lists are not fetched: `apt` with update_cache does that."""

    rules = (required_if("state", "present", "uris", "suites"),)

    name: str = arg(help="Name of the repository; blanks become dashes in the file's name.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the repository is used.")
    types: list[Literal["deb", "deb-src"]] = arg(default_factory=lambda: ["deb"], help="Packages, their sources, or both.")
    uris: list[str] | None = arg(None, help="Addresses of the repository.")
    suites: list[str] | None = arg(None, help="Releases, or a path that ends with a slash.")
    components: list[str] | None = arg(None, help="Parts of the release, such as main; none with a path.")
    architectures: list[str] | None = arg(None, help="Only these architectures.")
    languages: list[str] | None = arg(None, help="Translations to fetch.")
    targets: list[str] | None = arg(None, help="What to fetch.")
    signed_by: str | None = arg(None, help="The key: its address, its text, or the path or fingerprint of one that is there.")
    enabled: bool | None = arg(None, help="Whether apt looks at it.")
    trusted: bool | None = arg(None, help="Take packages without a signature.")
    by_hash: bool | None = arg(None, help="Fetch lists by their hash.")
    check_date: bool | None = arg(None, help="Whether a release from the future is refused.")
    check_valid_until: bool | None = arg(None, help="Whether a release past its time is refused.")
    date_max_future: int | None = arg(None, help="Seconds a release may be from the future.")
    allow_downgrade_to_insecure: bool | None = arg(None, help="Go on where the repository was signed once.")
    allow_insecure: bool | None = arg(None, help="Go on without signatures.")
    allow_weak: bool | None = arg(None, help="Take weak signatures.")
    inrelease_path: str | None = arg(None, help="Path of the InRelease file in the repository.")
    pdiffs: bool | None = arg(None, help="Fetch differences of lists.")
    mode: Mode = arg(Mode("0644"), help="Permissions of the file.")
    install_python_debian: bool = arg(False, help="Of no effect: nothing is needed.")

    def key(self) -> str:
        return f"deb822:{self._path()}"

    def observe(self, host: Reader) -> Optional[_Repository]:
        if not host.is_dir(os.path.dirname(FOLDER)):
            raise Failed("no apt on this host")
        file = host.stat(self._path(), content=True)
        keys = [host.stat(path, content=True) for path in self._key_paths()]
        key = next((one for one in keys if one is not None), None)
        return None if file is None and key is None else _Repository(file or FileState("file"), key)

    def desired(self, host: Reader, before: Optional[_Repository]) -> Optional[_Repository]:
        if self.state == "absent":
            return None
        data = self._key_data(host)
        key = None
        if data is not None:
            path = self._key_paths()[1 if ARMOR in data else 0]
            key = FileState("file", 0o644, 0, 0, Content.of(data), path=path)
        signed = key.path if key is not None else self.signed_by
        state = host.stat(self._path(), content=True) or FileState("file", uid=os.geteuid(), gid=os.getegid(), path=self._path())
        mode = _files.mode_bits(self.mode, state)
        file = FileState("file", mode, state.uid, state.gid, Content.of(self._text(signed).encode()), path=self._path())
        old = before.key if before is not None else None
        if key is not None and old is not None and old.content == key.content:
            key = old
        return _Repository(file, key if key is not None else old)

    def apply(self, host: Host, plan: Plan[_Repository]) -> None:
        if plan.after is None:
            for path in (self._path(), *self._key_paths()):
                host.remove(path)
            return
        key = plan.after.key
        if key is not None and plan.changed("key") and isinstance(key.content, Content) and key.content.data is not None:
            if not host.is_dir(KEYRINGS):
                host.mkdir(KEYRINGS, mode=0o755)
            host.write(str(key.path), key.content.data, mode=0o644)
        content = plan.after.file.content
        assert isinstance(content, Content) and content.data is not None
        mode = plan.after.file.mode
        host.write(self._path(), content.data, mode=mode if isinstance(mode, int) else 0o644)

    def also_foresee(self, host: Reader, plan: Plan[_Repository]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return [(f"file:{path}", None) for path in (self._path(), *self._key_paths())]
        key = plan.after.key
        out: list[tuple[str, Any]] = [(f"file:{self._path()}", plan.after.file)]
        if key is not None and plan.changed("key"):
            out += [] if host.is_dir(KEYRINGS) else [(f"file:{KEYRINGS}", FileState("directory", 0o755, 0, 0))]
            out.append((f"file:{key.path}", key))
        return out

    def result(self, before: Optional[_Repository], after: Optional[_Repository]) -> dict[str, Any]:
        content = after.file.content if after is not None else None
        text = content.data.decode() if isinstance(content, Content) and content.data is not None else None
        key = after.key.path if after is not None and after.key is not None else self.signed_by
        return {"repo": text, "dest": self._path(), "key_filename": key}

    # -- the files

    def _slug(self) -> str:
        return re.sub(r"[^a-z0-9-]+", "", re.sub(r"[_\s]+", "-", self.name.lower()))

    def _path(self) -> str:
        return os.path.join(FOLDER, self._slug() + ".sources")

    def _key_paths(self) -> tuple[str, str]:
        """A binary key, and one in text."""
        return os.path.join(KEYRINGS, self._slug() + ".gpg"), os.path.join(KEYRINGS, self._slug() + ".asc")

    def _key_data(self, host: Reader) -> Optional[bytes]:
        """The bytes of a key that has to be fetched; None for one that is there or stands in the file itself."""
        if self.signed_by is not None and "://" in self.signed_by:
            answer = _http.send(_http.Request(self.signed_by, environ=host.environ))
            if answer.status >= 400:
                raise Failed(f"signed_by: {self.signed_by} answers {answer.status} {answer.reason}")
            return answer.body
        return None

    def _text(self, signed_by: Optional[str]) -> str:
        values = {"signed_by": signed_by, **{name: getattr(self, name) for name in FIELDS}}
        lines = []
        for name in sorted(values):
            value = values[name]
            if value is not None and value != []:
                title = SPELLED.get(name) or "-".join(word.title() for word in name.split("_"))
                plain = " ".join(value) if isinstance(value, list) else str(value)
                shown = ("yes" if value else "no") if isinstance(value, bool) else plain
                lines.append(f"{title}: {shown}" if "\n" not in shown else f"{title}:\n{_indented(shown)}")
        return "\n".join(lines) + "\n"


def _indented(text: str) -> str:
    """A value of several lines: an empty one is a dot."""
    return "\n".join("    " + (line.strip() or ".") for line in text.strip().splitlines())
