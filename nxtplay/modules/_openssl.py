"""What the modules share that make keys and certificates: the host's openssl, and files whose content only chance knows."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Optional, Sequence, Union

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret, Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _files

Facts = dict[str, Any]
PASSPHRASE = "NXTPLAY_PASSPHRASE"  # the variable that openssl reads it from


class Made(_files.Ownership):
    """The arguments of modules that make such a file."""

    path: Path = arg(help="The file.", key=True)
    force: bool = arg(False, help="Make it anew although it is right.")
    backup: bool = arg(False, help="Keep a copy of the old file beside it.")


@dataclass(frozen=True)
class Pem:
    """A file by what it says, not by its bytes: `facts` are those that the arguments speak of."""

    facts: Facts
    mode: Union[int, Unknown, None]
    uid: Union[int, Unknown, None]
    gid: Union[int, Unknown, None]


def openssl(host: Reader, program: str = "openssl") -> str:
    found = host.which(program)
    if found is None:
        raise Failed(f"no {program} on this host")
    return found


def place(args: Made) -> str:
    return _files.host_path(args.path)


def of_file(facts: Facts, state: FileState) -> Pem:
    return Pem(facts, state.mode, state.uid, state.gid)


def wanted(host: Reader, args: Made, facts: Facts, before: Optional[Pem], *, mode: str) -> Pem:
    """The file with these facts and the attributes of the arguments; a new one has `mode` where they say none."""
    path = place(args)
    there = host.stat(path) if before is not None else None
    if there is not None and there.kind == "directory":
        raise Failed(f"{path} is a directory; a file cannot take its place")
    base = there or dataclasses.replace(_files.fresh(host, path, "file"), mode=int(mode, 8))
    return of_file(facts, _files.with_attributes(host, args, base))


def foreseen(args: Made, after: Pem, reason: str) -> list[tuple[str, Any]]:
    """What a check may count on: the file, its content unknown."""
    path = place(args)
    return [(f"file:{path}", FileState("file", after.mode, after.uid, after.gid, Unknown(reason), path=path))]


def settled(host: Reader, path: str, what: str) -> str:
    """The place of a file that openssl is to read. Failed where there is none, UnknownReached where an earlier task would change it."""
    path = _files.host_path(path)
    if host.has_foreseen(f"file:{host.canonical(path)}") and host.exists(path):
        raise UnknownReached(Unknown(f"{path} would be another by then"))
    if not host.exists(path):
        raise Failed(f"{what}: no file {path}")
    return path


def asked(host: Reader, words: Sequence[str], *, stdin: bytes = b"", passphrase: Optional[str] = None) -> bytes:
    """What openssl prints; it writes nothing. Failed with its own words."""
    done = host.look([openssl(host), *words], stdin=stdin, env={PASSPHRASE: passphrase or ""})
    if done.rc != 0:
        raise Failed(f"openssl {words[0]} failed: {done.stderr.strip()[-500:]}", rc=done.rc)
    return done.out


def told(text: str) -> Facts:
    """What `openssl req` or `x509` say with -text: names, a hash of the key, each extension."""
    facts: Facts = {}
    key: list[str] = []
    part, name, depth = "", "", 0
    for line in text.splitlines():
        words = line.strip()
        found = re.match(r"(Subject|Issuer): ?(.*)$", words)
        if found:
            facts[found[1].lower()] = found[2]
        elif words.startswith("Subject Public Key Info"):
            part = "key"
        elif words.endswith("xtensions:"):
            part, depth = "extensions", len(line) - len(line.lstrip()) + 4
        elif words.startswith(("Attributes:", "Signature Algorithm")):
            part = ""
        elif part == "key":
            key.append(words)
        elif part == "extensions" and len(line) - len(line.lstrip()) == depth:
            name, _, weight = words.replace("X509v3 ", "", 1).partition(":")
            facts[name] = weight.strip()
        elif part == "extensions" and words:
            facts[name] = f"{facts[name]} {words}".strip()
    return {**facts, "key": hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]}


def put(host: Host, args: Made, after: Pem, data: Optional[bytes]) -> None:
    """Write the file at once, when there is data; then its attributes."""
    path = place(args)
    mode, uid, gid = (one if isinstance(one, int) else None for one in (after.mode, after.uid, after.gid))
    if data is not None:
        if args.backup and os.path.exists(path):
            host.note(backup_file=_files.keep_backup(path))
        host.write(path, data, mode=mode, uid=uid, gid=gid)
        return
    now = host.stat(path)
    if now is not None:
        _files.set_attributes(path, now, dataclasses.replace(now, mode=after.mode, uid=after.uid, gid=after.gid))


class Generated(Made, Resource[Pem]):
    """A file that openssl makes. A module writes `desired`, `held` and `made`."""

    kind: ClassVar[str]  # what its state is filed under
    chance: ClassVar[str]  # why a check cannot know the bytes
    content: ClassVar[str]  # the field of the result that has the text, where it is asked for

    state: Literal["present", "absent"] = arg("present", help="Whether the file is there.")
    return_content: bool = arg(False, help="Whether the result has the text of the file.")
    select_crypto_backend: str = arg("auto", help="Of no effect: the program openssl is used.")

    def held(self, host: Reader) -> Facts:
        """What the file that is there says; what no wanted facts equal where it is none of its kind."""
        raise NotImplementedError

    def made(self, host: Host) -> bytes:
        """A new one."""
        raise NotImplementedError

    def again(self) -> bool:
        """Whether it is made anew although it is right."""
        return self.force

    def key(self) -> str:
        return f"{self.kind}:{place(self)}"

    def observe(self, host: Reader) -> Optional[Pem]:
        if host.has_foreseen(self.key()):
            found: Optional[Pem] = host.foreseen(self.key())
            return found
        file = host.stat(place(self))
        return of_file(self.held(host), file) if file is not None else None

    def due(self, host: Reader, plan: Plan[Pem]) -> Optional[str]:
        right = plan.before is not None and plan.after is not None and not plan.changed("facts")
        return "is made anew" if right and self.again() else None

    def apply(self, host: Host, plan: Plan[Pem]) -> None:
        if plan.after is None:
            if self.backup:
                host.note(backup_file=_files.keep_backup(place(self)))
            host.remove(place(self))
            return
        put(host, self, plan.after, self.made(host) if plan.changed("facts") else None)
        self._note(host)

    def perform(self, host: Host, plan: Plan[Pem]) -> None:
        assert plan.after is not None
        put(host, self, plan.after, self.made(host))
        self._note(host)

    def returned(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        """The text for the result, where it is asked for."""
        if not self.return_content:
            return {}
        return {self.content: None if after is None else self._text(Reader()) if before == after else Unknown(self.chance)}

    def _note(self, host: Host) -> None:
        if self.return_content:
            host.note(**{self.content: self._text(host)})

    def _text(self, host: Reader) -> str:
        text = host.read(place(self)).decode("utf-8", "replace")
        return Secret(text) if self.kind == "privatekey" else text

    def also_foresee(self, host: Reader, plan: Plan[Pem]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return [(f"file:{place(self)}", None)]
        return foreseen(self, plan.after, self.chance)
