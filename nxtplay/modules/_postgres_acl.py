"""Rights on objects: read as sets through aclexplode, so that a difference is a difference of sets and never of text.

Held rights are `{role: (right, ...)}` per object; a right that may be passed on is written `SELECT*`; PUBLIC is everybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed
from nxtplay.modules._postgres import Session
from nxtplay.modules._postgres_types import identifier, literal

Held = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """A kind of object: its letter for acldefault, its word in GRANT, the query for (name, owner oid, acl) of those in a schema."""

    letter: str
    word: str
    query: str
    in_schema: bool = False


def _class(kinds: str) -> str:
    return (
        "SELECT c.relname AS name, c.relowner AS owner, c.relacl AS acl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = ANY ('{{{kinds}}}') AND n.nspname = %s"
    )


def _proc(kinds: str) -> str:
    return (
        "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name, p.proowner AS owner, p.proacl AS acl "
        f"FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = ANY ('{{{kinds}}}') AND n.nspname = %s"
    )


KINDS: dict[str, Kind] = {
    "table": Kind("r", "TABLE", _class("r,v,m,f,p"), True),
    "sequence": Kind("s", "SEQUENCE", _class("S"), True),
    "function": Kind("f", "FUNCTION", _proc("f,a,w"), True),
    "procedure": Kind("f", "PROCEDURE", _proc("p"), True),
    "type": Kind("T", "TYPE", "SELECT typname AS name, typowner AS owner, typacl AS acl FROM pg_type t JOIN pg_namespace n "
                 "ON n.oid = typnamespace WHERE n.nspname = %s", True),
    "database": Kind("d", "DATABASE", "SELECT datname AS name, datdba AS owner, datacl AS acl FROM pg_database"),
    "schema": Kind("n", "SCHEMA", "SELECT nspname AS name, nspowner AS owner, nspacl AS acl FROM pg_namespace"),
    "language": Kind("l", "LANGUAGE", "SELECT lanname AS name, lanowner AS owner, lanacl AS acl FROM pg_language WHERE lanpltrusted"),
    "tablespace": Kind("t", "TABLESPACE", "SELECT spcname AS name, spcowner AS owner, spcacl AS acl FROM pg_tablespace"),
    "parameter": Kind("p", "PARAMETER", "SELECT name, 10::oid AS owner, paracl AS acl FROM pg_settings "
                      "LEFT JOIN pg_parameter_acl ON parname = lower(name)"),
    "foreign_data_wrapper": Kind("F", "FOREIGN DATA WRAPPER",
                                 "SELECT fdwname AS name, fdwowner AS owner, fdwacl AS acl FROM pg_foreign_data_wrapper"),
    "foreign_server": Kind("S", "FOREIGN SERVER", "SELECT srvname AS name, srvowner AS owner, srvacl AS acl FROM pg_foreign_server"),
}  # fmt: skip
DEFAULTS = {"TABLES": ("r", "r"), "SEQUENCES": ("S", "s"), "FUNCTIONS": ("f", "f"), "TYPES": ("T", "T"), "SCHEMAS": ("n", "n")}
_ROLE = "CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS role"


def _held(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Rows of (name, role, privilege, passes_on) to {name: Held}; a name without rights is there, empty."""
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for row in rows:
        roles = found.setdefault(row["name"], {})
        if row["privilege"]:
            rights = roles.setdefault(row["role"], {})
            rights[row["privilege"]] = rights.get(row["privilege"], False) or row["passes_on"]
    return {
        name: {role: tuple(sorted(right + "*" * passes_on for right, passes_on in rights.items())) for role, rights in roles.items()}
        for name, roles in found.items()
    }


def held(db: Session, kind: Kind, schema: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Who holds what on every object of a kind (in a schema, where the kind lives in one)."""
    source = kind.query if not kind.in_schema else kind.query.replace("%s", literal(schema).replace("%", "%%"))
    sql = (
        f"SELECT o.name, {_ROLE}, a.privilege_type AS privilege, a.is_grantable AS passes_on FROM ({source}) o "
        f"LEFT JOIN LATERAL aclexplode(coalesce(o.acl, acldefault('{kind.letter}', o.owner))) a ON true"
    )
    return _held(db.query(sql))


def by_default(db: Session, kind: Kind, owner: str) -> dict[str, tuple[str, ...]]:
    """Who holds what on a new object of an owner (who may be foreseen only), default privileges aside."""
    sql = (
        f"SELECT 'x' AS name, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE {literal(owner)} END AS role, a.privilege_type AS privilege, "
        f"a.is_grantable AS passes_on FROM aclexplode(acldefault('{kind.letter}', 10)) a"
    )
    return _held(db.query(sql)).get("x", {})


def defaults(db: Session, owner: str, schema: Optional[str], word: str) -> dict[str, tuple[str, ...]]:
    """What ALTER DEFAULT PRIVILEGES holds for an owner's new TABLES, SEQUENCES ..., everywhere or in one schema."""
    letter, acl_letter = DEFAULTS[word]
    start = f"acldefault('{acl_letter}', r.oid)" if schema is None else "NULL::aclitem[]"
    return _held(
        db.query(
            f"SELECT 'x' AS name, {_ROLE}, a.privilege_type AS privilege, a.is_grantable AS passes_on FROM pg_roles r "
            "LEFT JOIN pg_default_acl d ON d.defaclrole = r.oid AND d.defaclobjtype = %s AND d.defaclnamespace = "
            "coalesce((SELECT oid FROM pg_namespace WHERE nspname = %s), 0) "
            f"LEFT JOIN LATERAL aclexplode(coalesce(d.defaclacl, {start})) a ON true WHERE r.rolname = %s",
            letter,
            schema,
            owner,
        )
    ).get("x", {})


def all_rights(db: Session, letter: str) -> tuple[str, ...]:
    """Every right there is on a kind of object, in this version of the server."""
    sql = "SELECT DISTINCT privilege_type AS p FROM aclexplode(acldefault(%s, 10)) WHERE grantee = 10 ORDER BY 1"
    return tuple(row["p"] for row in db.query(sql, letter))


def expand(wanted: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
    """Rights as the catalog names them: ALL and TEMP spelled out. Raises Failed for one the kind of object does not have."""
    out: set[str] = set()
    for word in wanted:
        right = {"TEMP": "TEMPORARY"}.get(word.upper(), word.upper().replace("_", " "))
        if right in ("ALL", "ALL PRIVILEGES"):
            out.update(every)
        elif right in every:
            out.add(right)
        else:
            raise Failed(f"privs: there is no right '{word}' here; legal are: {', '.join(every)}, ALL")
    return tuple(sorted(out))


def settle(found: Held, roles: Sequence[str], rights: Sequence[str], *, give: bool, pass_on: Optional[bool]) -> dict[str, tuple[str, ...]]:
    """The rights held once `rights` are given to (or taken from) `roles`."""
    out = dict(found)
    for role in roles:
        now = {right.rstrip("*"): right.endswith("*") for right in found.get(role, ())}
        for right in rights:
            if give:
                now[right] = now.get(right, False) if pass_on is None else pass_on
            else:
                now.pop(right, None)
        out[role] = tuple(sorted(right + "*" * passes_on for right, passes_on in now.items()))
        if not out[role]:
            del out[role]
    return out


def statements(target: str, before: Held, after: Held, prefix: str = "") -> list[str]:
    """GRANT and REVOKE between two sets of rights on `target` (`TABLE "public"."t"`, or `TABLES` after ALTER DEFAULT PRIVILEGES)."""
    out = []
    for role in [*before, *(r for r in after if r not in before)]:
        old = {right.rstrip("*"): right.endswith("*") for right in before.get(role, ())}
        new = {right.rstrip("*"): right.endswith("*") for right in after.get(role, ())}
        name = "PUBLIC" if role == "PUBLIC" else identifier(role)
        plain = [r for r in new if r not in old and not new[r]]
        passing = [r for r in new if new[r] and not old.get(r)]
        gone = [r for r in old if r not in new]
        kept = [r for r in old if r in new and old[r] and not new[r]]
        out += [f"{prefix}GRANT {', '.join(plain)} ON {target} TO {name}"] if plain else []
        out += [f"{prefix}GRANT {', '.join(passing)} ON {target} TO {name} WITH GRANT OPTION"] if passing else []
        out += [f"{prefix}REVOKE {', '.join(gone)} ON {target} FROM {name}"] if gone else []
        out += [f"{prefix}REVOKE GRANT OPTION FOR {', '.join(kept)} ON {target} FROM {name}"] if kept else []
    return out


def names(text: str) -> list[str]:
    """`a, f(int, text), "B,c"` to its items; commas inside parentheses and quotes do not part them."""
    return [part.strip() for part in re.findall(r'(?:"[^"]*"|\([^()]*\)|[^,"()])+', text) if part.strip()]
