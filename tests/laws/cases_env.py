"""env_file, port_free, find, tempfile, fetch, wait_for, setup."""

from __future__ import annotations

from .harness import Case

ENV = "# settings\nDB_PASSWORD=s3cr3t-long\nURL='a b'\n"

CASES = [
    Case("env_file", {"path": "{root}/.env", "values": {"A": "1", "B": "x y"}}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "values": {"A": "1"}, "mode": "0640"}, {".env": ("A=1\n", 0o640)}, expect="ok"),
    Case("env_file", {"path": "{root}/.env", "generate": {"DB_PASSWORD": 32, "JWT": 64}}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "generate": {"DB_PASSWORD": 32, "JWT": 64}}, {".env": ENV}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "generate": {"DB_PASSWORD": 32}}, {".env": (ENV, 0o600)}, expect="ok"),
    Case("env_file", {"path": "{root}/.env", "defaults": {"URL": "z", "N": 1}}, {".env": (ENV, 0o600)}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "remove": ["URL"]}, {".env": (ENV, 0o600)}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "required": ["X"]}, {".env": (ENV, 0o600)}, expect="failed"),
    Case("env_file", {"path": "{root}/.env", "state": "valid", "required": ["URL"]}, {".env": (ENV, 0o600)}, expect="ok"),
    Case("env_file", {"path": "{root}/.env", "state": "valid"}, {".env": (ENV, 0o644)}, expect="failed"),
    Case("env_file", {"path": "{root}/.env", "state": "valid"}, {".env": ("A=changeme\n", 0o600)}, expect="failed"),
    Case("env_file", {"path": "{root}/.env", "state": "valid"}, expect="failed"),
    Case("env_file", {"path": "{root}/.env", "state": "absent"}, {".env": ENV}, expect="changed"),
    Case("env_file", {"path": "{root}/.env", "values": {"A": "1"}}, {".env": "A='open\n"}, expect="changed"),
    Case("env_file", {"path": "{root}/n/.env", "values": {"A": "1"}}, expect="failed"),
    Case("port_free", {"ports": [1]}, expect="ok"),
    Case("find", {"paths": "{root}", "recurse": True, "patterns": "*.x"}, {"a.x": "", "d/b.x": "", "d/c": ""}, expect="ok"),
    Case("find", {"paths": "{root}", "size": "ten"}, expect="failed"),
    Case("tempfile", {"path": "{root}"}, expect="changed", again="changed"),
    Case("tempfile", {"path": "{root}/none"}, expect="failed"),
    Case("fetch", {"src": "{root}/a", "dest": "/nowhere"}, {"a": "t"}, expect="ok"),
    Case("fetch", {"src": "{root}/b", "dest": "/nowhere"}, expect="failed"),
    Case("fetch", {"src": "{root}/b", "dest": "/nowhere", "fail_on_missing": False}, expect="ok"),
    Case("wait_for", {"path": "{root}/a", "timeout": 1}, {"a": "t"}, expect="ok"),
    Case("wait_for", {"path": "{root}/a", "timeout": 0}, expect="failed"),
    Case("setup", {"gather_subset": ["min"]}, expect="ok"),
    Case("ping", {}, expect="ok"),
]
