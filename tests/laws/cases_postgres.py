"""postgresql_pg_hba; the modules that need a server obey their laws in tests/integration/postgres."""

from __future__ import annotations

from .harness import Case

HBA_MODULE = "postgresql_pg_hba"
HBA = """# Our rules
local   all   postgres   peer   # never lock out

host  all  all  127.0.0.1/32  scram-sha-256
host "odd # db",app  ann,ben  10.0.0.0 255.0.0.0  md5 map="x y"  # old
@include somewhere
host all all all reject
"""
ONE = {"dest": "{root}/hba", "contype": "host", "databases": "app", "users": "app", "address": "10.1.0.0/16", "method": "scram-sha-256"}
SAME = {"contype": "host", "databases": 'app,"odd # db"', "users": "ben, ann".replace(" ", ""), "address": "10.0.0.0/8", "method": "md5"}

CASES = [
    Case(HBA_MODULE, ONE, {"hba": HBA}, expect="changed", name="pg_hba-new"),
    Case(HBA_MODULE, ONE, expect="failed", name="pg_hba-none"),
    Case(HBA_MODULE, {**ONE, "create": True, "mode": "0640"}, expect="changed", name="pg_hba-create"),
    Case(HBA_MODULE, {**ONE, "state": "absent"}, {"hba": HBA}, expect="ok", name="pg_hba-absent-already"),
    Case(HBA_MODULE, {"dest": "{root}/hba", **SAME, "options": 'map="x y"'}, {"hba": HBA}, name="pg_hba-same"),
    Case(HBA_MODULE, {"dest": "{root}/hba", **SAME, "state": "absent"}, {"hba": HBA}, expect="changed", name="pg_hba-gone"),
    Case(HBA_MODULE, {"dest": "{root}/hba", **SAME, "method": "trust"}, {"hba": HBA}, expect="changed", name="pg_hba-other-method"),
    Case(HBA_MODULE, {**ONE, "netmask": "255.255.0.0", "address": "10.1.0.0"}, {"hba": HBA}, expect="changed", name="pg_hba-mask"),
    Case(HBA_MODULE, {**ONE, "address": ["::1", "10.2.0.1"]}, {"hba": (HBA, 0o640)}, expect="changed", name="pg_hba-addresses"),
    Case(HBA_MODULE, {**ONE, "method": "magic"}, {"hba": HBA}, expect="failed", name="pg_hba-no-method"),
    Case(HBA_MODULE, {"dest": "{root}/l", "contype": "local", "method": "peer", "users": "x"}, {"hba": HBA, "l": "-> {root}/hba"},
         expect="changed", name="pg_hba-through-a-link"),
    Case(HBA_MODULE, {"dest": "{root}/hba", "overwrite": True,
                               "rules": [{"contype": "local", "method": "peer"}, {"users": "u", "address": "all"}]}, {"hba": HBA},
         expect="changed", name="pg_hba-overwrite"),
    Case(HBA_MODULE, {"dest": "{root}/hba"}, {"hba": "host all all nonsense\n"}, expect="failed", name="pg_hba-unreadable"),
]  # fmt: skip
