"""setup: facts about the host."""

from __future__ import annotations

import fnmatch
import sys
from typing import Any, Optional

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Path
from nxtplay.modules import _facts


class Setup(Query):
    """Gather facts: system, hardware, network, environment, facts of the host's own (fact_path)."""

    gather_subset: list[str] = arg(
        default_factory=lambda: ["all"], help="Groups of facts: all, min, hardware, network, virtual, or one of them with !."
    )
    filter: list[str] = arg(default_factory=list, help="Patterns; only facts that match one are told.")
    gather_timeout: int = arg(10, help="Seconds for a single fact.")
    fact_path: Path = arg("/etc/ansible/facts.d", help="Directory of the host's own facts (*.fact).")

    parallel: Optional[bool] = arg(None, help="Taken for `gather_facts: {parallel: ...}`; there is only one gatherer here.")

    def look(self, host: Reader) -> dict[str, Any]:
        wanted = _facts.subsets(self.gather_subset)
        facts: dict[str, Any] = {}
        for name, gather in _facts.GATHERERS.items():
            if name in wanted:
                facts.update(gather(host))
        if "local" in wanted:
            facts["local"] = _facts.local(host, self.fact_path, self.gather_timeout)
        named = {f"ansible_{name}": value for name, value in facts.items()}
        named.update(gather_subset=list(self.gather_subset), module_setup=True)
        patterns = [p for p in self.filter if p and p != "*"]
        if patterns:
            named = {n: v for n, v in named.items() if any(fnmatch.fnmatch(n, p) or fnmatch.fnmatch(n, "ansible_" + p) for p in patterns)}
        named["discovered_interpreter_python"] = sys.executable  # the engine drops it where the interpreter was named
        return {"ansible_facts": named}
