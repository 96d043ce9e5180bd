"""async_status: ask after a task that was not waited for."""

from __future__ import annotations

from typing import Any, Literal, Optional

from nxtplay.core import background
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg


class AsyncStatus(Action):
    """How a task with `async` and `poll: 0` is getting on: `finished`, and in the end what it registers."""

    jid: str = arg(help="The job's id: `ansible_job_id` of the task's result.")
    mode: Literal["status", "cleanup"] = arg("status", help="Whether to look, or to forget the job.")
    folder: str = arg(background.FOLDER, help="Where the host keeps the results.", aliases=["_async_dir"])

    def due(self, host: Reader) -> Optional[str]:
        return f"{self.mode} of {self.jid}"

    def certain(self) -> bool:
        return False  # whether the job changed anything is known when it has finished

    def perform(self, host: Host) -> dict[str, Any]:
        if self.mode == "cleanup":
            return {**background.erase(self.jid, self.folder), "changed": False}
        found = background.look(self.jid, self.folder)
        status = found.pop("status", "ok")
        if status == "failed":
            raise Failed(str(found.pop("msg", "failed")), **{**found, "changed": bool(found.get("changed"))})
        return {**found, "changed": status == "changed"}
