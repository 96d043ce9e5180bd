"""apt_key: a key that apt trusts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files, _http


@dataclass(frozen=True)
class _Keys:
    """Which of the keys spoken of are trusted, by their fingerprints."""

    fingerprints: tuple[str, ...]


class AptKey(Resource[_Keys]):
    """Have apt trust a key, or no longer. Where the release allows it, prefer `deb822_repository` with signed_by."""

    rules = (exclusive("data", "file", "keyserver", "url"),)

    state: Literal["present", "absent"] = arg("present", help="Whether the key is trusted.")
    id: str | None = arg(None, help="The key's fingerprint or its last 8 or 16 digits; else that of the key given.", key=True)
    url: str | None = arg(None, help="Address of the key.", key=True)
    data: str | None = arg(None, help="The key itself.")
    file: Path | None = arg(None, help="A file on the host that holds it.", key=True)
    keyserver: str | None = arg(None, help="The server to fetch the id from.")
    keyring: Path | None = arg(None, help="A keyring in /etc/apt/trusted.gpg.d instead of apt's own.", key=True)
    validate_certs: bool = arg(True, help="Check the certificate of url.")

    def observe(self, host: Reader) -> Optional[_Keys]:
        if host.which("apt-key") is None or host.which("gpg") is None:
            raise Failed("apt-key and gpg are needed on this host; install gnupg first")
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        done = host.look(self._apt_key("adv", "--list-public-keys", "--with-colons", "--fingerprint"))
        return _Keys(tuple(sorted(_fingerprints(done.stdout))))

    def desired(self, host: Reader, before: Optional[_Keys]) -> Optional[_Keys]:
        assert before is not None
        wanted = [_normal(self.id)] if self.id else self._given(host)
        if self.state == "absent":
            return _Keys(tuple(key for key in before.fingerprints if not any(key.endswith(one) for one in wanted)))
        missing = [one for one in wanted if not any(key.endswith(one) for key in before.fingerprints)]
        if not missing:
            return before
        if self.id and not self.keyserver:
            given = self._given(host)
            if not any(key.endswith(missing[0]) for key in given):
                raise Failed(f"id: the key given is {', '.join(given)}, not {self.id}")
            missing = given
        return _Keys(tuple(sorted({*before.fingerprints, *missing})))

    def apply(self, host: Host, plan: Plan[_Keys]) -> None:
        before, after = plan.before, plan.after
        assert before is not None and after is not None
        if self.state == "absent":
            for key in set(before.fingerprints) - set(after.fingerprints):
                _told(host.run(self._apt_key("del", key)))
        elif self.keyserver:
            _told(host.run(self._apt_key("adv", "--no-tty", "--keyserver", self.keyserver, "--recv", str(self.id))))
        else:
            _told(host.run(self._apt_key("add", "-"), stdin=self._bytes(host)))

    def result(self, before: Optional[_Keys], after: Optional[_Keys]) -> dict[str, Any]:
        new = sorted(set(after.fingerprints if after else ()) - set(before.fingerprints if before else ()))
        return {"id": self.id, "key_id": self.id or (new[0][-16:] if new else None), "fp": new[0] if new else None}

    def _apt_key(self, *words: str) -> list[str]:
        return ["apt-key", *(["--keyring", _files.host_path(self.keyring)] if self.keyring else []), *words]

    def _given(self, host: Reader) -> list[str]:
        """The fingerprints of the key that url, data or file hold; with a keyserver the id is all that is known."""
        if self.keyserver or not (self.url or self.data or self.file):
            if not self.id:
                raise Failed("id, url, data or file is required: which key?")
            return [_normal(self.id)]
        done = host.look(["gpg", "--no-tty", "--batch", "--with-colons", "--show-keys"], stdin=self._bytes(host))
        found = _fingerprints(done.stdout)
        if not found:
            what = "the inline data" if self.data else self.file or self.url
            raise Failed(f"{what} is no OpenPGP key: {done.stderr.strip()[-400:]}")
        return found

    def _bytes(self, host: Reader) -> bytes:
        if self.data:
            return self.data.encode()
        if self.file:
            return host.read(_files.host_path(self.file))
        answer = _http.send(_http.Request(str(self.url), verify=self.validate_certs, environ=host.environ))
        if answer.status >= 400:
            raise Failed(f"url: {self.url} answers {answer.status} {answer.reason}")
        return answer.body


def _normal(key: str) -> str:
    """An id as the end of a fingerprint: upper case, no 0x, no blanks."""
    found = re.sub(r"\s+|^0[xX]", "", key.strip()).upper()
    if not re.fullmatch(r"[0-9A-F]{8,40}", found):
        raise Failed(f"id: '{key}' is no key's id: 8, 16 or 40 digits of 0-9 and A-F were expected")
    return found


def _fingerprints(colons: str) -> list[str]:
    """The fingerprints of primary keys in what gpg lists."""
    found, primary = [], False
    for line in colons.splitlines():
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            primary = fields[0] == "pub"
        elif fields[0] == "fpr" and primary and len(fields) > 9:
            found.append(fields[9])
            primary = False
    return found


def _told(done: Completed) -> None:
    if done.rc != 0:
        raise Failed(f"apt-key failed: {(done.stderr or done.stdout).strip()[-800:]}", rc=done.rc)
