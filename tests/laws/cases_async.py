"""async_status."""

from __future__ import annotations

from .harness import Case

DONE = '{"started": true, "finished": true, "status": "changed", "result": {"rc": 0}}'
FAILED = '{"started": true, "finished": true, "status": "failed", "result": {"rc": 1, "msg": "no"}}'
ARGS = {"jid": "j1.2", "folder": "{root}"}

CASES = [
    Case("async_status", ARGS, {"j1.2": '{"started": true, "finished": false}'}, expect="ok"),
    Case("async_status", ARGS, {"j1.2": DONE}, expect="changed", again="changed"),
    Case("async_status", ARGS, {"j1.2": FAILED}, expect="failed"),
    Case("async_status", {**ARGS, "mode": "cleanup"}, {"j1.2": DONE}, expect="ok"),
]
