"""What the modules tell, under the names that playbooks written for community.postgresql ask for."""

from __future__ import annotations

from pg_cluster import Cluster


def test_memberships(clean: Cluster) -> None:
    clean.sql("CREATE ROLE a; CREATE ROLE b; CREATE ROLE u; CREATE ROLE v; GRANT b TO u")
    there = {"groups": ["a", "gone", "b"], "target_roles": ["u", "v", "gone"], "fail_on_role": False}
    done = clean.run("postgresql_membership", **there).result
    assert (done["groups"], done["target_roles"], done["state"]) == (["a", "b"], ["u", "v"], "present")
    assert (done["granted"], done["revoked"]) == ({"a": ["u", "v"], "b": ["v"]}, {})
    assert done["queries"] == ['GRANT "a" TO "u"', 'GRANT "a" TO "v"', 'GRANT "b" TO "v"']
    assert clean.run("postgresql_membership", **there).result["granted"] == {"a": [], "b": []}
    exact = clean.run("postgresql_membership", groups=["b"], target_roles=["u"], state="exact").result
    assert (exact["granted"], exact["revoked"]) == ({}, {"a": ["u"]})
    absent = clean.run("postgresql_membership", groups=["a", "b"], target_roles=["u"], state="absent").result
    assert (absent["granted"], absent["revoked"]) == ({}, {"a": [], "b": ["u"]})
    told = clean.check("postgresql_membership", groups=["a", "b; SELECT 1"], target_roles=["u"], trust_input=False)
    assert "is potentially dangerous" in told.reason


def test_indexes(clean: Cluster) -> None:
    clean.sql("CREATE TABLE ix (n int, t text)")
    given = {"name": "Ix", "table": "ix", "columns": ["n", "t"], "storage_params": ["fillfactor=90"]}
    done = clean.run("postgresql_idx", **given).result
    assert done["query"] == 'CREATE INDEX CONCURRENTLY "Ix" ON "public"."ix" USING BTREE (n, t) WITH (fillfactor=90)'
    assert (done["state"], done["tblname"], done["tblspace"], done["valid"]) == ("present", "ix", "", True)
    assert done["storage_params"] == ["fillfactor=90"]
    gone = clean.run("postgresql_idx", name="Ix", state="absent").result
    assert (gone["state"], gone["tblname"], gone["query"]) == ("absent", "", 'DROP INDEX CONCURRENTLY "public"."Ix"')
    assert "unique" in clean.check("postgresql_idx", name="iy", table="ix", columns=["n"], idxtype="brin", unique=True).reason
    clean.sql("DROP TABLE ix")
