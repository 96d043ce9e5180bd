"""Facts kept between runs: a JSON file for each host, as Ansible's `jsonfile` keeps them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nxtplay.core.state import find_unknown
from nxtplay.engine.hosts import HostRun
from nxtplay.errors import Diagnostic, Span, UsageError
from nxtplay.events import plain


@dataclass(frozen=True)
class FactCache:
    """`seconds`: how long a file counts; 0: for ever."""

    folder: str
    prefix: str = ""
    seconds: int = 86400

    def _file(self, host: str) -> str:
        return os.path.join(self.folder, self.prefix + host.replace(os.sep, "_"))

    def _kept(self, host: str) -> dict[str, Any]:
        """What is kept of a host. A file that is no JSON counts as none."""
        path = self._file(host)
        try:
            if self.seconds and time.time() - os.stat(path).st_mtime > self.seconds:
                return {}
            with open(path, encoding="utf-8") as stream:
                kept = json.load(stream)
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def names(self, host: str) -> frozenset[str]:
        """The names under which a run finds what is kept of a host."""
        return frozenset(self._kept(host))

    def load(self, host: HostRun) -> None:
        for name, value in self._kept(host.name).items():
            if name.startswith("ansible_"):
                host.facts[name[8:]] = value
            else:
                host.facts[name] = value
                if name not in _GATHERED:
                    host.cached_facts[name] = value

    def keep(self, host: HostRun) -> None:
        """Write what is known of a host; nothing known, nothing kept. Raises UsageError where that cannot be."""
        facts = _named(host)
        if not facts:
            return self.forget(host.name)
        path = self._file(host.name)
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self.folder)
            with open(handle, "w", encoding="utf-8") as stream:
                json.dump(facts, stream, sort_keys=True, indent=4)
            os.replace(draft, path)
        except OSError as error:
            raise UsageError(Diagnostic(f"facts cannot be kept in {self.folder}: {error.strerror}", Span(path))) from error

    def forget(self, host: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._file(host))


_GATHERED = ("gather_subset", "module_setup", "facter", "ohai")


def _named(host: HostRun) -> Mapping[str, Any]:
    """Facts under their own names, as modules return them; nothing that is not known."""
    plain_names = {*host.cached_facts, *host.plain_facts, *_GATHERED[1:]}
    facts = {name if name in plain_names else f"ansible_{name}": value for name, value in host.facts.items()}
    return {name: plain(value) for name, value in {**facts, **host.cached_facts}.items() if find_unknown(value) is None}
