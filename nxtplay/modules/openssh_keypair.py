"""openssh_keypair: a key for SSH, private and public."""

from __future__ import annotations

import os
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret, Unknown
from nxtplay.modules import _files, _openssl
from nxtplay.modules._openssl import Pem

SIZES = {"rsa": 4096, "dsa": 1024, "ecdsa": 256, "ed25519": 256}


class OpensshKeypair(_openssl.Made, Resource[Pem]):
    """A private key and its public one beside it, by ssh-keygen."""

    type: Literal["rsa", "dsa", "rsa1", "ecdsa", "ed25519"] = arg("rsa", help="The kind of key.")
    size: int | None = arg(None, help="Bits; 4096 for rsa, 256 for ecdsa when not given.")
    comment: str | None = arg(None, help="The comment in the public key; none where it is made without.")
    passphrase: Secret | None = arg(None, help="What protects the private key.")
    state: Literal["present", "absent"] = arg("present", help="Whether they are there.")
    regenerate: Literal["never", "fail", "partial_idempotence", "full_idempotence", "always"] = arg(
        "partial_idempotence", help="What becomes of a key of another kind or size: never touch it, fail, or make it anew."
    )
    private_key_format: Literal["auto", "pkcs1", "pkcs8", "ssh"] = arg("auto", help="Of no effect: as ssh-keygen writes it.")
    backend: Literal["auto", "cryptography", "opensshbin"] = arg("auto", help="Of no effect: ssh-keygen is used.")

    def key(self) -> str:
        return f"keypair:{_files.host_path(self.path)}"

    def observe(self, host: Reader) -> Optional[Pem]:
        if host.has_foreseen(self.key()):
            found: Optional[Pem] = host.foreseen(self.key())
            return found
        path = _openssl.place(self)
        file = host.stat(path)
        if file is None:
            return None
        public = host.exists(f"{path}.pub")
        return _openssl.of_file({**self._said(host), "comment": self._comment(host) if public else "", "public": public}, file)

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        _openssl.openssl(host, "ssh-keygen")
        kind: dict[str, Any] = {"type": self.type, "size": self.size or SIZES.get(self.type, 0)}
        if before is not None:
            same = {name: before.facts[name] for name in kind} == kind
            if not before.facts["type"] and not self.force and self.regenerate not in ("full_idempotence", "always"):
                raise Failed(
                    f"{self.path} is no key that can be read here (broken, or protected by a passphrase), so it is left as it is; "
                    "force: true or regenerate: full_idempotence puts a new one in its place"
                )
            if not same and self.regenerate == "fail":
                raise Failed(
                    f"{self.path} is a key of {before.facts['size']} bits of the kind {before.facts['type']}; regenerate says fail"
                )
            if self.regenerate == "never":
                kind, same = {name: before.facts[name] for name in kind}, True
            comment = before.facts["comment"] if self.comment is None and same else self.comment
        else:
            comment = self.comment
        return _openssl.wanted(host, self, {**kind, "comment": comment or "", "public": True}, before, mode="0600")

    def due(self, host: Reader, plan: Plan[Pem]) -> Optional[str]:
        again = (self.force or self.regenerate == "always") and plan.before is not None and self.state == "present"
        return "is made anew" if again and not self._anew(plan) else None

    def apply(self, host: Host, plan: Plan[Pem]) -> None:
        path = _openssl.place(self)
        if plan.after is None:
            host.remove(path)
            host.remove(f"{path}.pub")
            return
        if self._anew(plan):
            self._make(host)
        elif plan.changed("facts"):
            self._public(host)
        _openssl.put(host, self, plan.after, None)
        host.note(**self._told(host))

    def perform(self, host: Host, plan: Plan[Pem]) -> None:
        self._make(host)
        assert plan.after is not None
        _openssl.put(host, self, plan.after, None)
        host.note(**self._told(host))

    def also_foresee(self, host: Reader, plan: Plan[Pem]) -> Sequence[tuple[str, Any]]:
        path = _openssl.place(self)
        if plan.after is None:
            return [(f"file:{path}", None), (f"file:{path}.pub", None)]
        reason = "the key is made by chance"
        public = FileState("file", 0o644, plan.after.uid, plan.after.gid, Unknown(reason), path=f"{path}.pub")
        return [*_openssl.foreseen(self, plan.after, reason), (f"file:{path}.pub", public)]

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        out: dict[str, Any] = {"filename": self.path, "type": self.type, "size": after.facts["size"] if after is not None else self.size}
        if after is None:
            return out
        if before != after:
            return {**out, **dict.fromkeys(("public_key", "fingerprint", "comment"), Unknown("the key is made by chance"))}
        return {**out, **self._told(Reader())}

    def _told(self, host: Reader) -> dict[str, Any]:
        """What the result says of a pair that is there."""
        path = f"{_openssl.place(self)}.pub"
        if not host.exists(path):
            return {}
        public = " ".join(host.read(path).decode("utf-8", "replace").split()[:2])
        shown = host.look([_openssl.openssl(host, "ssh-keygen"), "-l", "-f", path]).stdout.split()
        return {"public_key": public, "fingerprint": shown[1] if len(shown) > 1 else "", "comment": self._comment(host)}

    def _anew(self, plan: Plan[Pem]) -> bool:
        return plan.before is None or plan.changed("facts", "type") or plan.changed("facts", "size")

    def _said(self, host: Reader) -> dict[str, Any]:
        """Kind and bits of the key in the file; nothing for what is none."""
        done = host.look([_openssl.openssl(host, "ssh-keygen"), "-l", "-f", _openssl.place(self)], env={"SSH_ASKPASS_REQUIRE": "never"})
        words = done.stdout.split()
        if done.rc != 0 or len(words) < 3:
            return {"type": "", "size": 0}
        return {"type": words[-1].strip("()").lower(), "size": int(words[0])}

    def _comment(self, host: Reader) -> str:
        words = host.read(f"{_openssl.place(self)}.pub").decode("utf-8", "replace").strip().split(" ", 2)
        return words[2] if len(words) > 2 else ""

    def _make(self, host: Host) -> None:
        path = _openssl.place(self)
        if self.backup and os.path.exists(path):
            host.note(backup_file=_files.keep_backup(path))
        host.remove(path)
        host.remove(f"{path}.pub")
        words = [_openssl.openssl(host, "ssh-keygen"), "-q", "-t", self.type, "-N", self.passphrase or "", "-f", path]
        words += ["-b", str(self.size or SIZES[self.type])] if self.type not in ("ed25519", "rsa1") else []
        words += ["-C", self.comment or ""]
        host.run(words, check=True)

    def _public(self, host: Host) -> None:
        """The public key made from the private one, with the comment."""
        path = _openssl.place(self)
        words = [_openssl.openssl(host, "ssh-keygen"), "-y", "-P", self.passphrase or "", "-f", path]
        kind_and_data = host.run(words, check=True).stdout.split()[:2]
        host.write(f"{path}.pub", (" ".join([*kind_and_data, self.comment or ""]).strip() + "\n").encode(), mode=0o644)
