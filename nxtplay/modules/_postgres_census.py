"""What a database holds, in a form that survives dump and restore: the rows of each table, a hash of each object's definition."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Mapping

from nxtplay.modules._postgres import Session

_OURS = """n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid} AND d.deptype = 'e')"""
_TABLE = _OURS.format(catalog="pg_class", oid="c.oid")

# Each brings (name, definition): of what a dump carries, in words that do not depend on oids or on dropped columns.
_OBJECTS = f"""
SELECT 'extension ' || extname AS name, extversion AS definition FROM pg_extension
UNION ALL
SELECT 'schema ' || n.nspname, pg_get_userbyid(n.nspowner) FROM pg_namespace n
 WHERE {_OURS.format(catalog="pg_namespace", oid="n.oid")} AND n.nspname <> 'public'
UNION ALL
SELECT 'table ' || format('%I.%I', n.nspname, c.relname), c.relkind::text || ' ' || pg_get_userbyid(c.relowner) || ' ' || coalesce(
       (SELECT string_agg(format('%I %s%s %s %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
               CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, coalesce(pg_get_expr(f.adbin, f.adrelid), ''), a.attidentity,
               a.attgenerated), ', ' ORDER BY a.attnum)
          FROM pg_attribute a LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND {_TABLE}
UNION ALL
SELECT 'view ' || format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {_TABLE}
UNION ALL
SELECT 'index ' || format('%I.%I', n.nspname, i.relname), pg_get_indexdef(i.oid)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_TABLE}
UNION ALL
SELECT 'constraint ' || format('%I.%I.%I', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype <> 'n' AND {_TABLE}
UNION ALL
SELECT 'trigger ' || format('%I.%I.%I', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND {_TABLE}
UNION ALL
SELECT 'function ' || format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
       CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OURS.format(catalog="pg_proc", oid="p.oid")}
UNION ALL
SELECT 'sequence ' || format('%I.%I', n.nspname, c.relname), format('%s %s %s %s %s', format_type(s.seqtypid, NULL), s.seqstart,
       s.seqincrement, s.seqmin, s.seqmax)
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_TABLE}
ORDER BY 1
"""
_TABLES = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {_TABLE} ORDER BY 1
"""


@dataclass(frozen=True)
class Census:
    """`tables`: rows by quoted schema.table; `objects`: a short hash of each object's definition, by kind and name."""

    tables: Mapping[str, int]
    objects: Mapping[str, str]

    @property
    def schema(self) -> str:
        """One hash of all definitions."""
        return hashlib.sha256(json.dumps(sorted(self.objects.items())).encode()).hexdigest()

    def public(self) -> dict[str, Any]:
        return {"tables": dict(self.tables), "objects": dict(self.objects), "schema_sha256": self.schema}


def take_census(db: Session) -> Census:
    """Count and hash. Inside a transaction it is of that transaction's snapshot."""
    db.run("SET search_path = pg_catalog")  # so that definitions name every schema
    objects = {row["name"]: _short(str(row["definition"])) for row in db.query(_OBJECTS)}
    tables = {row["name"]: int(db.value(f"SELECT count(*) AS n FROM ONLY {row['name']}")) for row in db.query(_TABLES)}
    db.run("RESET search_path")
    return Census(tables, objects)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def differences(wanted: Mapping[str, Any], found: Census) -> list[str]:
    """Where a database differs from a census that was written down (`Census.public`), a line each."""
    out = []
    for name in sorted({*wanted["tables"], *found.tables}):
        here, there = wanted["tables"].get(name), found.tables.get(name)
        if there is None:
            out.append(f"table {name} is missing ({here} rows in the backup)")
        elif here is None:
            out.append(f"table {name} is not in the backup")
        elif here != there:
            out.append(f"table {name} has {there} rows, {here} in the backup")
    for name in sorted({*wanted["objects"], *found.objects}):
        if name.startswith("table ") and name[6:] not in wanted["tables"].keys() & found.tables.keys():
            continue  # told above, or a partitioned one that differs below
        saved, live = wanted["objects"].get(name), found.objects.get(name)
        if saved != live:
            out.append(f"{name} {'is missing' if live is None else 'is not in the backup' if saved is None else 'is defined differently'}")
    return out
