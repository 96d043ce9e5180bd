"""Databases of a cluster and their schemas: how they are seen and what SQL makes them so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.modules._postgres import PostgresLogin, Session, database_key, foreseen_state, role_key
from nxtplay.modules._postgres_types import identifier, literal


@dataclass(frozen=True)
class DatabaseState:
    """A database. `stand_in` is the live database that a look into this one, while only foreseen, is to be taken from."""

    name: str
    owner: str
    encoding: str
    lc_collate: str
    lc_ctype: str
    locale_provider: str
    icu_locale: Optional[str]
    tablespace: str
    conn_limit: int
    comment: Optional[str]
    stand_in: str = field(default="", metadata={"volatile": True})


@dataclass(frozen=True)
class SchemaState:
    """A schema as a database has it."""

    owner: str
    comment: Optional[str]


# Columns came and went between 13 and 17; a row read as JSON has those that there are.
_LOOK = """
SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS lc_collate,
       d.datctype AS lc_ctype, t.spcname AS tablespace, d.datconnlimit AS conn_limit, shobj_description(d.oid, 'pg_database') AS comment,
       coalesce(to_jsonb(d)->>'datlocprovider', 'c') AS provider,
       coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') AS icu_locale
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = %s
"""
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin", "d": "libc"}


def look(db: Session, name: str) -> Optional[DatabaseState]:
    """The live database, or None."""
    found = db.one(_LOOK, name)
    if found is None:
        return None
    provider = found.pop("provider")
    return DatabaseState(**found, locale_provider=_PROVIDERS.get(provider, provider), stand_in=name)


def look_schema(db: Session, name: str) -> Optional[SchemaState]:
    """The live schema, or None."""
    found = db.one(
        "SELECT pg_get_userbyid(nspowner) AS owner, obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = %s",
        name,
    )
    return SchemaState(**found) if found else None


def look_through(host: Reader, login: PostgresLogin, db: Session, name: str) -> Optional[DatabaseState]:
    """The database as a check has foreseen it, else the live one."""
    foreseen, state = foreseen_state(host, database_key(login, name))
    found: Optional[DatabaseState] = state if foreseen else look(db, name)
    return found


def role_exists(host: Reader, login: PostgresLogin, db: Session, name: str) -> bool:
    foreseen, state = foreseen_state(host, role_key(login, name))
    return state is not None if foreseen else db.value("SELECT 1 FROM pg_roles WHERE rolname = %s", name) is not None


def same_locale(one: str, other: str) -> bool:
    """Whether two locale names mean one (en_US.UTF-8, en_US.utf8)."""
    return _locale(one) == _locale(other)


def _locale(name: str) -> str:
    language, dot, codeset = name.partition(".")
    return language + dot + re.sub(r"[-_]", "", codeset).lower()


def encoding_name(db: Session, name: str) -> str:
    """As the server calls it; Failed where it knows none of that name."""
    found = db.value("SELECT pg_encoding_to_char(pg_char_to_encoding(%s))", name)
    if not found:
        raise Failed(f"encoding: the server knows no '{name}'; UTF8 is what most want")
    return str(found)


def statements(before: Optional[DatabaseState], after: Optional[DatabaseState], given: Mapping[str, Any], *, force: bool) -> list[str]:
    """The SQL that leads from one state to the other; `given` are CREATE DATABASE's options as asked for (template, encoding ...)."""
    if after is None:
        return [f"DROP DATABASE {identifier(before.name)}{' WITH (FORCE)' if force else ''}"] if before else []
    name = identifier(after.name)
    if before is None:
        out = [f"CREATE DATABASE {name}{_options(given)}"]
    else:
        out = [f"ALTER DATABASE {identifier(before.name)} RENAME TO {name}"] if before.name != after.name else []
        if before.owner != after.owner:
            out.append(f"ALTER DATABASE {name} OWNER TO {identifier(after.owner)}")
        if before.conn_limit != after.conn_limit:
            out.append(f"ALTER DATABASE {name} CONNECTION LIMIT {after.conn_limit}")
        if before.tablespace != after.tablespace:
            out.append(f"ALTER DATABASE {name} SET TABLESPACE {identifier(after.tablespace)}")
    if (before.comment if before else None) != after.comment:
        out.append(f"COMMENT ON DATABASE {name} IS {literal(after.comment)}")
    return out


def _options(given: Mapping[str, Any]) -> str:
    words = {"owner": "OWNER", "template": "TEMPLATE", "tablespace": "TABLESPACE", "locale_provider": "LOCALE_PROVIDER"}
    texts = {"encoding": "ENCODING", "lc_collate": "LC_COLLATE", "lc_ctype": "LC_CTYPE", "icu_locale": "ICU_LOCALE"}
    out = [f" {words[k]} {v if k == 'locale_provider' else identifier(v)}" for k, v in given.items() if k in words and v]
    out += [f" {texts[k]} {literal(v)}" for k, v in given.items() if k in texts and v]
    if given.get("conn_limit") is not None:
        out.append(f" CONNECTION LIMIT {given['conn_limit']}")
    return "".join(out)
