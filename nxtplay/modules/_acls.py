"""Access control lists of files as the kernel keeps them (acl(5)), so that neither getfacl nor setfacl is needed."""

from __future__ import annotations

import errno
import os
import struct
from typing import Mapping

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.modules import _files

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
KINDS = {1: "user", 2: "user", 4: "group", 8: "group", 16: "mask", 32: "other"}  # by the tag of an entry
NAMED = {"user": (1, 2), "group": (4, 8), "mask": (16, 16), "other": (32, 32)}  # tags without and with a name
NOBODY = 0xFFFFFFFF  # the id of an entry that has none

Acl = Mapping[str, str]  # "user:joe" to "rw-", in the order in which getfacl shows them; "user:" is the owner


def read(path: str, attribute: str) -> Acl:
    """The list of a file; empty where it has none beside its mode."""
    try:
        data = os.getxattr(path, attribute)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return {}
        raise Failed(f"cannot read the access control list of {path}: {error.strerror}") from error
    entries = [struct.unpack_from("<HHI", data, at) for at in range(4, len(data), 8)]
    return {f"{KINDS[tag]}:{_name(tag, number)}": text(bits) for tag, bits, number in entries}


def write(host: Host, path: str, attribute: str, acl: Acl) -> None:
    """Gives a file that list; an empty one is taken away."""
    entries = sorted((_tag(key), _number(host, key), bits_of(permissions)) for key, permissions in acl.items())
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, bits, number) for tag, number, bits in entries)
    try:
        if acl:
            os.setxattr(path, attribute, data)
        elif read(path, attribute):
            os.removexattr(path, attribute)
    except OSError as error:
        raise Failed(f"cannot set the access control list of {path}: {error.strerror}") from error


def of_mode(mode: int) -> dict[str, str]:
    return {"user:": text(mode >> 6 & 7), "group:": text(mode >> 3 & 7), "other:": text(mode & 7)}


def mode_of(acl: Acl, mode: int) -> int:
    """What a file's mode becomes with that list: the group's bits are the mask's, where there is one."""
    group = acl.get("mask:", acl["group:"])
    return (mode & ~0o777) | bits_of(acl["user:"]) << 6 | bits_of(group) << 3 | bits_of(acl["other:"])


def text(bits: int) -> str:
    return "".join(letter if bits & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))


def bits_of(permissions: str) -> int:
    return sum(bit for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if letter in permissions)


def ordered(acl: Acl) -> dict[str, str]:
    return {key: acl[key] for key in sorted(acl, key=lambda key: (_tag(key), key))}


def masked(acl: Acl) -> dict[str, str]:
    """The list with a mask that lets through what its groups and named users are given."""
    union = [bits_of(permissions) for key, permissions in acl.items() if _tag(key) in (2, 4, 8)]
    bits = 0
    for one in union:
        bits |= one
    return {**acl, "mask:": text(bits)}


def needs_mask(acl: Acl) -> bool:
    return any(_tag(key) in (2, 8) for key in acl)


def called(host: Reader, kind: str, entity: str) -> str:
    """The key of an entry: a user or group by its name, where the number given has one. Failed where there is none of that name."""
    if not entity or kind not in ("user", "group"):
        return f"{kind}:"
    number = _files.uid_of(host, entity) if kind == "user" else _files.gid_of(host, entity)
    if not isinstance(number, int):
        return f"{kind}:{entity}"
    return f"{kind}:{(_files.user_name(number) if kind == 'user' else _files.group_name(number)) or number}"


def _tag(key: str) -> int:
    kind, _, name = key.partition(":")
    return NAMED[kind][1 if name else 0]


def _name(tag: int, number: int) -> str:
    if tag not in (2, 8):
        return ""
    return str((_files.user_name(number) if tag == 2 else _files.group_name(number)) or number)


def _number(host: Reader, key: str) -> int:
    kind, _, name = key.partition(":")
    if not name:
        return NOBODY
    number = _files.uid_of(host, name) if kind == "user" else _files.gid_of(host, name)
    assert isinstance(number, int)
    return number
