"""What a module may ask of the controller before its job leaves and when the answer is there."""

from __future__ import annotations

from typing import IO, Any, Mapping, Optional, Protocol

from nxtplay.core.wire import Blob


class Controller(Protocol):
    """Passed to `Module.prepare` and `Module.receive`. `host` is the inventory's name of the host.

    Paths are found as Ansible finds them: role, including role, playbook, each with its subfolder.
    """

    host: str

    permit: bool  # False in a check

    environ: Mapping[str, str]  # the task's `environment`

    where: str  # the machine in messages: "on the controller"

    def kept(self, path: str) -> str:
        """The absolute path of what the controller keeps (relative to the playbook's folder)."""

    def held(self, path: str) -> Optional[str]:
        """The SHA-256 of a file that the controller keeps (relative to the playbook's folder); None where there is none."""

    def keep(self, path: str, data: IO[bytes], sha256: str) -> None:
        """Have a file on the controller hold these bytes (relative to the playbook's folder, directories made). Failed when they are
        others than the hash says. Never in a check."""

    def find(self, path: str, subfolder: str) -> str:
        """The absolute controller path of `files/x` or `templates/x`; Failed with the searched places when there is none."""

    def blob(self, path: str) -> Blob:
        """A controller file for the host: small ones ride inside the job, large ones are sent when the host asks."""

    def opened(self, path: str) -> Optional[bytes]:
        """The plain content of a controller file that is encrypted by vault; None for one that is not. Failed without the password."""

    def template(self, path: str, options: Mapping[str, Any]) -> Any:
        """The rendered text of a template file (Unknown where that cannot be foreseen)."""

    def secret(self, text: str) -> str:
        """Register text that no output may show; returns it as a Secret."""
