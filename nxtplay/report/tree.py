"""A folder with a file for each host, which holds the result of its last task as JSON: the form of Ansible's callback `tree`."""

from __future__ import annotations

import json
import os

from nxtplay import events as ev
from nxtplay.report import files


class Tree:
    """A reporter."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.TaskFinished):
            os.makedirs(self._folder, exist_ok=True)
            path = os.path.join(self._folder, event.host.replace("/", "_"))
            files.write(path, json.dumps(ev.plain(event.result), indent=4, sort_keys=True) + "\n")

    def close(self) -> None:
        """See Reporter."""
