"""authorized_key: who may log in as a user with a key."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, decode
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _files, _http

KINDS = r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[\w-]+@openssh\.com|ssh-\S+-cert-v01@openssh\.com)"
KEY = re.compile(rf"(?:(?P<options>.*?\S)\s+)??(?P<kind>{KINDS})\s+(?P<data>[A-Za-z0-9+/=]+)(?:\s+(?P<comment>.*))?\Z")


class _Owned(_files.Ownership, _files.Content_):
    """The attributes of what is made."""


class AuthorizedKey(Resource[FileState]):
    """Keys in a user's authorized_keys."""

    user: str = arg(help="The user whose file it is.", key=True)
    key_: str = arg(help="One public key or several, a line each; or the address they are at.", aliases=["key"])
    state: Literal["present", "absent"] = arg("present", help="Whether they may log in.")
    path: Path | None = arg(None, help="The file; ~/.ssh/authorized_keys of the user when not given.")
    manage_dir: bool = arg(True, help="Whether the directory is made, and is the user's alone.")
    key_options: str | None = arg(None, help='Options before the keys, such as from="10.0.0.1".')
    comment: str | None = arg(None, help="The comment behind the keys instead of their own.")
    exclusive: bool = arg(False, help="Whether all other keys go.")
    validate_certs: bool = arg(True, help="Check the certificate of the server that has the keys.")
    follow: bool = arg(False, help="Follow the file where it is a link.")

    def key(self) -> str:
        return f"authorized_key:{self.user}:{self.path or ''}"

    def key_on(self, host: Reader) -> str:
        return "file:" + self._place(host)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(self._place(host), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        place = self._place(host)
        old = host.read(place) if before is not None else b""
        new = self._edited(old, self._keys(host))
        if new == old and (before is None or self.state == "absent"):
            return before
        missing = _files.missing_parents(host, place)
        if missing and not self.manage_dir:
            raise Failed(f"no directory {missing[-1]}; manage_dir: true makes it")
        made = _files.new_directories(host, self._owned("0700"), missing)
        base = before or _files.fresh(host, place, "file", made.get(place.rpartition("/")[0]))
        return _files.holding(_files.with_attributes(host, self._owned("0600"), base), Content.of(new), place)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        assert plan.after is not None and plan.after.path is not None and isinstance(plan.after.content, Content)
        for directory, state in self._directories(host, plan.after.path).items():
            _files.make_directory(host, directory, state)
        _files.put(host, self._owned("0600"), plan.after.path, plan.before, plan.after, plan.after.content.data)

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        path = plan.after.path if plan.after is not None else None
        return [(f"file:{one}", state) for one, state in self._directories(host, path).items()] if path else []

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        given = ("comment", "exclusive", "follow", "key_options", "manage_dir", "path", "state", "user", "validate_certs")
        told = {name: getattr(self, name) for name in given}
        return {**told, "key": self.key_, "keyfile": after.path if after is not None else None}

    # -- where

    def _place(self, host: Reader) -> str:
        import pwd

        if self.path is not None:
            path = _files.host_path(self.path.replace("%u", self.user))
            return host.resolve(path) if self.follow else path
        foreseen = host.foreseen(f"user:{self.user}")
        if foreseen is not None:
            home = getattr(foreseen, "home", None)
            if isinstance(home, Unknown) or home is None:
                raise UnknownReached(home if isinstance(home, Unknown) else Unknown(f"the home of {self.user} is not there yet"))
        else:
            try:
                home = pwd.getpwnam(self.user).pw_dir
            except KeyError:
                raise Failed(f"no user '{self.user}' on this host") from None
        path = os.path.join(home, ".ssh", "authorized_keys")
        return host.resolve(path) if self.follow else path

    def _directories(self, host: Reader, path: str) -> dict[str, FileState]:
        return _files.new_directories(host, self._owned("0700"), _files.missing_parents(host, path))

    def _owned(self, mode: str) -> _Owned:
        """With root's rights all of it is the user's; without them it is ours already."""
        return decode(_Owned, {"mode": mode, **({"owner": self.user} if os.geteuid() == 0 else {})})

    # -- the text

    def _edited(self, text: bytes, keys: list[_Key]) -> bytes:
        lines = text.decode("utf-8", "surrogateescape").splitlines()
        wanted = {one.data: one for one in keys}
        out: list[str] = []
        seen: set[str] = set()
        for line in lines:
            there = _parsed(line)
            if there is None:
                out += [] if self.exclusive and self.state == "present" and line.strip() and not line.startswith("#") else [line]
            elif self.state == "absent":
                out += [line] if there.data not in wanted else []
            elif there.data in wanted:
                out += [_written(wanted[there.data]) if there != wanted[there.data] else line] if there.data not in seen else []
                seen.add(there.data)
            elif not self.exclusive:
                out.append(line)
        if self.state == "present":
            out += [_written(one) for data, one in wanted.items() if data not in seen]
        if out == lines:
            return text
        return "".join(f"{line}\n" for line in out).encode("utf-8", "surrogateescape")

    def _fetched(self, host: Reader) -> str:
        """The keys' text, from where it is."""
        if self.key_.startswith("file://"):
            return host.read(self.key_[len("file://") :]).decode("utf-8", "surrogateescape")
        if not self.key_.startswith(("http://", "https://")):
            return self.key_
        answer = _http.send(_http.Request(url=self.key_, redirects="all", verify=self.validate_certs, environ=host.environ))
        if answer.status >= 300:
            raise Failed(f"key: {self.key_} answered {answer.status} {answer.reason}")
        return answer.body.decode("utf-8", "surrogateescape")

    def _keys(self, host: Reader) -> list[_Key]:
        found = []
        for line in self._fetched(host).splitlines():
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            one = _parsed(line)
            if one is None:
                raise Failed(f"no public key: '{line[:40]}'")
            options = self.key_options if self.key_options is not None else one.options
            found.append(dataclasses.replace(one, options=options, comment=self.comment if self.comment is not None else one.comment))
        return found


@dataclass(frozen=True)
class _Key:
    """A line of authorized_keys."""

    options: str
    kind: str
    data: str
    comment: str


def _parsed(line: str) -> Optional[_Key]:
    found = KEY.match(line.strip())
    return _Key(found["options"] or "", found["kind"], found["data"], (found["comment"] or "").strip()) if found else None


def _written(key: _Key) -> str:
    return " ".join(part for part in (key.options, key.kind, key.data, key.comment) if part)
