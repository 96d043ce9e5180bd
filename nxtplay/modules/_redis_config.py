"""Settings of Redis: values that mean the same, and what the configuration file has."""

from __future__ import annotations

import difflib
import re
import shlex
from typing import Iterable, Optional

from nxtplay.core.host import Reader
from nxtplay.modules import _inside
from nxtplay.modules._redis import RedisLogin

UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}
_SIZE = re.compile(r"^(\d+)([kmg]b?|b)$", re.IGNORECASE)
DEFAULTS = {
    "activedefrag": "no", "appendfsync": "everysec", "appendonly": "no", "databases": "16", "dbfilename": "dump.rdb", "hz": "10",
    "lazyfree-lazy-eviction": "no", "lazyfree-lazy-expire": "no", "loglevel": "notice", "masterauth": "", "maxclients": "10000",
    "maxmemory": "0", "maxmemory-policy": "noeviction", "maxmemory-samples": "5", "notify-keyspace-events": "", "protected-mode": "yes",
    "rdbchecksum": "yes", "rdbcompression": "yes", "requirepass": "", "save": "3600 1 300 100 60 10000",
    "slowlog-log-slower-than": "10000", "slowlog-max-len": "128", "stop-writes-on-bgsave-error": "yes", "tcp-keepalive": "300",
    "timeout": "0",
}  # fmt: skip
_ALIASES = {"slaveof": "replicaof", "slave-read-only": "replica-read-only", "slave-priority": "replica-priority"}


def normal(name: str, value: str) -> str:
    """A value as CONFIG SET takes it: YAML's booleans as yes and no, sizes in bytes (1k is 1000, 1kb is 1024: the server's own rule)."""
    found = _SIZE.match(value.strip())
    if found and name.lower() not in ("save", "requirepass", "masterauth"):
        return str(int(found[1]) * UNITS[found[2].lower()])
    if name.lower() == "notify-keyspace-events":
        return _events(value.strip())
    return {"true": "yes", "false": "no"}.get(value.strip().lower(), value)


def same(name: str, one: str, other: str) -> bool:
    """Whether two values of a setting mean the same."""
    if one == other:
        return True
    left, right = normal(name, one), normal(name, other)
    if name.lower() == "client-output-buffer-limit":
        return _limits(left).items() <= _limits(right).items()
    exact = name.lower() in ("requirepass", "masterauth", "logfile", "dir", "dbfilename")
    return not exact and left.lower().split() == right.lower().split()


def _events(text: str) -> str:
    """Letters of events as the server orders them, A standing for all classes."""
    classes = "g$lshzxetd"
    given = text.replace("A", classes)
    first = "A" if all(c in given for c in classes) else "".join(c for c in classes if c in given)
    return first + "".join(c for c in "KEmn" if c in given)


def _limits(text: str) -> dict[str, tuple[str, ...]]:
    words = text.lower().split()
    return {
        words[i].replace("slave", "replica"): tuple(normal("", word) for word in words[i + 1 : i + 4]) for i in range(0, len(words) - 3, 4)
    }


def read_file(host: Reader, login: RedisLogin, path: str) -> Optional[str]:
    """The server's configuration file; None where it is not ours to read (another machine, no right to)."""
    if login.container:
        code, out, _ = _inside.execute(host, _inside.find(host, login.container), ["cat", path])
        return out.decode("utf-8", "replace") if code == 0 else None
    if login.login_host not in ("localhost", "127.0.0.1", "::1") and not login.login_unix_socket:
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return None


def is_default(name: str, value: str) -> bool:
    """Whether a setting is as the server has it without being told; of those that people set."""
    return name.lower() in DEFAULTS and same(name, DEFAULTS[name.lower()], value)


def in_file(text: str, name: str) -> Optional[str]:
    """The value that a configuration file gives a setting; None where it gives none."""
    values = [words[1:] for words in map(_words, text.splitlines()) if words and _name(words[0]) == name.lower()]
    if not values:
        return None
    return " ".join(word for words in (values if name.lower() == "save" else values[-1:]) for word in words)


def _name(word: str) -> str:
    return _ALIASES.get(word.lower(), word.lower())


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=False) if not line.lstrip().startswith("#") else []
    except ValueError:
        return []


def hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
