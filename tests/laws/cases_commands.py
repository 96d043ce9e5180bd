"""command, shell, raw, script."""

from __future__ import annotations

from .harness import Case

CASES = [
    Case("command", {"cmd": "touch {root}/f"}, expect="changed", again="changed"),
    Case("command", {"argv": ["touch", "{root}/f"], "creates": "{root}/f"}, expect="changed"),
    Case("command", {"cmd": "touch f", "chdir": "{root}", "creates": "f"}, expect="changed"),
    Case("command", {"cmd": "rm {root}/f", "removes": "{root}/f"}, {"f": "t"}, expect="changed"),
    Case("command", {"cmd": "rm {root}/f", "removes": "{root}/f"}, expect="ok"),
    Case("command", {"cmd": "true", "creates": "{root}/*.x"}, {"a.x": "t"}, expect="ok"),
    Case("command", {"cmd": "true", "chdir": "{root}/none"}, expect="failed"),
    Case("command", {"cmd": "echo 'open"}, expect="failed"),
    Case("shell", {"cmd": "echo x > {root}/f", "creates": "{root}/f"}, expect="changed"),
    Case("raw", {"cmd": "true"}, expect="changed", again="changed"),
    Case("script", {"cmd": "s.sh {root}/f", "creates": "{root}/f"}, files={"s.sh": '#!/bin/sh\necho x > "$1"\n'}, expect="changed"),
    Case("script", {"cmd": "none.sh"}, expect="failed"),
]
