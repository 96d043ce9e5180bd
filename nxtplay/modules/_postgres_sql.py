"""What a statement is, read off its words: whether it only looks, what kind of thing it may touch."""

from __future__ import annotations

import re

_SKIP = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|\()+")
_TEXT = re.compile(r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![\w$])\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*", re.DOTALL)
_MARK = re.compile(r"/\*|\*/")
_LOOKS = frozenset(("SELECT", "SHOW", "VALUES", "TABLE", "WITH", "EXPLAIN"))
# Functions that act although a read-only transaction lets them.
_ACTS = re.compile(
    r"\b(pg_(terminate_backend|cancel_backend|reload_conf|rotate_logfile|switch_wal|create_\w+|drop_\w+|promote|notify|(try_)?advisory_\w+|"
    r"stat_reset\w*|stat_statements_reset|logical_\w+|replication_\w+|wal_replay_\w+|backup_\w+|(start|stop)_backup|import_\w+|file_\w+|"
    r"extension_config_dump|log_\w+|prewarm|export_snapshot)|dblink\w*|lo_\w+|setval|nextval|set_config|http\w*)\s*\(",
    re.IGNORECASE,
)
_ADJECTIVES = "TEMP|TEMPORARY|UNLOGGED|GLOBAL|LOCAL|UNIQUE|MATERIALIZED|EVENT"
_KINDS = re.compile(rf"^(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:(?:{_ADJECTIVES})\s+)*(\w+)", re.IGNORECASE)
_CLUSTER = {"ROLE": "ROLE", "USER": "ROLE", "GROUP": "ROLE", "DATABASE": "DATABASE", "TABLESPACE": "TABLESPACE", "SYSTEM": "SYSTEM"}
_DATA = frozenset(("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "REFRESH", "VACUUM", "ANALYZE", "REINDEX", "CLUSTER"))
_SESSION = frozenset(("SET", "RESET", "DISCARD", "CHECKPOINT", "LOCK", "LISTEN", "UNLISTEN", "NOTIFY", "COMMENT", "LOAD", "PREPARE"))


def bare(sql: str) -> str:
    """The text without comments and with quoted texts emptied."""
    out: list[str] = []
    at = 0
    while True:
        found = _TEXT.search(sql, at)
        if not found:
            return "".join(out) + sql[at:]
        word = found.group(0)
        out.append(sql[at : found.start()] + (" " if word[:2] in ("--", "/*") else word if word[0] == '"' else "''"))
        at = _comment_end(sql, found.end()) if word == "/*" else found.end()


def first_word(sql: str) -> str:
    """SELECT, INSERT ...; upper case."""
    word = re.match(r"\w+", sql[leading(sql) :])
    return word.group(0).upper() if word else ""


def may_only_look(sql: str) -> bool:
    """Whether it is worth running in a read-only transaction to learn that it only looks."""
    text = bare(sql)
    if first_word(sql) == "EXPLAIN" and not re.search(r"\bANALY[SZ]E\b", text, re.I):
        return True
    several = ";" in text.rstrip().rstrip(";")
    return first_word(sql) in _LOOKS and not several and not _ACTS.search(text)


def touches(sql: str) -> list[tuple[bool, str]]:
    """What running it may change: (whether it belongs to the whole cluster, kind). DATA is rows, ANY is anything at all."""
    out: list[tuple[bool, str]] = []
    for statement in bare(sql).split(";"):
        word = first_word(statement)
        if not word or word in _SESSION or word in ("BEGIN", "COMMIT", "ROLLBACK", "START", "END"):
            continue
        found = _KINDS.match(statement.strip())
        if found:
            kind = found[1].upper()
            out.append((kind in _CLUSTER, _CLUSTER.get(kind, kind)))
            if kind in ("EXTENSION", "SCHEMA", "OWNED"):  # they bring or take others along
                out.append((False, "ANY"))
        elif word in ("GRANT", "REVOKE"):
            out += [(False, "GRANT"), (True, "GRANT")]
        elif word in _DATA:
            out.append((False, "DATA"))
        elif word not in ("SHOW", "EXPLAIN"):
            out += [(False, "ANY"), (True, "ANY")]
    return out


def changed_by(tag: str, count: int) -> bool:
    """Whether a command tag tells of a change, as Ansible's users know it."""
    word = tag.partition(" ")[0]
    if word in ("SELECT", "SHOW", "EXPLAIN", "VALUES", "FETCH"):
        return False
    if word in ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "MOVE"):
        return count > 0
    return True


def split(text: str) -> list[str]:
    """A script's statements, split at semicolons that stand outside of quotes, comments and SQL function bodies."""
    out: list[str] = []
    begin = at = depth = 0
    token = re.compile(
        r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![\w$])\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*|;|\b(?:BEGIN\s+ATOMIC|CASE|END)\b",
        re.DOTALL | re.IGNORECASE,
    )
    while True:
        found = token.search(text, at)
        if not found:
            break
        word = found.group(0)
        at = found.end()
        if word == "/*":
            at = _comment_end(text, at)
        elif word == ";" and depth == 0:
            out.append(text[begin:at].strip())
            begin = at
        elif word[:5].upper() == "BEGIN" or (depth and word.upper() == "CASE"):
            depth += 1
        elif depth and word.upper() == "END":
            depth -= 1
    out.append(text[begin:].strip())
    return [statement for statement in out if first_word(statement)]


def _comment_end(text: str, at: int) -> int:
    depth = 1
    while depth:
        found = _MARK.search(text, at)
        if not found:
            return len(text)
        depth += 1 if found.group(0) == "/*" else -1
        at = found.end()
    return at


def leading(statement: str) -> int:
    """How many characters of white space and comments stand before its first word."""
    at = 0
    while True:
        found = _SKIP.match(statement, at)
        at = found.end() if found else at
        if not statement.startswith("/*", at):
            return at
        at = _comment_end(statement, at + 2)
