"""expect, known_hosts, service_facts, package_facts, mount_facts, current_container_facts."""

from __future__ import annotations

import base64
import hashlib
import hmac

from .harness import Case

ASKING = "#!/bin/sh\nprintf 'Name: '; read name; printf 'Really? '; read really; echo \"$name $really\"; test $really = yes\n"
RSA, ED = "law.example ssh-rsa AAAAB3Nz", "law.example ssh-ed25519 AAAAC3Nz"
SALT = b"01234567890123456789"
HASHED = f"|1|{base64.b64encode(SALT).decode()}|{base64.b64encode(hmac.new(SALT, b'law.example', hashlib.sha1).digest()).decode()}"

ask = {"command": "sh {root}/ask", "responses": {"Name": "law", "Really": ["yes"]}, "timeout": 10}
known = {"path": "{root}/known_hosts", "name": "law.example"}

CASES = [
    Case("expect", ask, {"ask": ASKING}, expect="changed", again="changed"),
    Case("expect", {**ask, "creates": "{root}/ask"}, {"ask": ASKING}, expect="ok"),
    Case("expect", {**ask, "chdir": "{root}/none"}, {"ask": ASKING}, expect="failed"),
    Case("expect", {**ask, "responses": {"(": ""}}, {"ask": ASKING}, expect="failed"),
    Case("known_hosts", {**known, "key": RSA}, expect="changed"),
    Case("known_hosts", {**known, "key": RSA}, {"known_hosts": f"{ED}\n{RSA} remark\n"}, expect="ok"),
    Case("known_hosts", {**known, "key": RSA}, {"known_hosts": f"{RSA}old\n{ED}"}, expect="changed"),
    Case("known_hosts", {**known, "key": RSA, "hash_host": True}, {"known_hosts": f"{RSA}\n"}, expect="changed"),
    Case("known_hosts", {**known, "key": RSA, "hash_host": True}, {"known_hosts": f"{HASHED} ssh-rsa AAAAB3Nz\n"}, expect="ok"),
    Case("known_hosts", {**known, "state": "absent"}, {"known_hosts": f"# mine\n{RSA}\n{HASHED} x y\nother x y\n"}, expect="changed"),
    Case("known_hosts", {**known, "state": "absent"}, expect="ok"),
    Case("known_hosts", {**known, "key": RSA, "state": "absent"}, {"known_hosts": f"@revoked {RSA}\n"}, expect="ok"),
    Case("known_hosts", known, expect="failed"),
    Case("known_hosts", {**known, "key": "else.example ssh-rsa AAAA"}, expect="failed"),
    Case("service_facts", {}, expect="ok"),
    Case("current_container_facts", {}, expect="ok"),
    Case("mount_facts", {}, expect="ok"),
    Case("package_facts", {"manager": "apt"}, expect="ok"),
    Case("package_facts", {"manager": "rpm"}, expect="failed"),
]
