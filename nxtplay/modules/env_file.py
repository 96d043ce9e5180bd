"""env_file: what stands in a file of NAME=value lines, and whether it is fit for use."""

from __future__ import annotations

import os
import re
from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Secret
from nxtplay.core.types import Path
from nxtplay.modules._compose import interpolate

PLACEHOLDER = r"change[-_ ]?me|^your[-_ ]|^<.*>$|^\$\{.*\}$|^(todo|xxx+|placeholder|example|secret|password)$"


class EnvFile(Query):
    """Read a file of NAME=value lines as Docker Compose does. What is missing, empty or still a placeholder fails the task, all at once.

    The values (`variables`) are secrets, which no output of the run shows from then on, but for those named in `public`.
    """

    path: Path = arg(help="The file, on the host.", key=True)
    required: list[str] = arg(default_factory=list, help="Names that have to be there, with a value.")
    placeholder: str = arg(PLACEHOLDER, help="Regular expression for values that somebody forgot to replace, in any case.")
    min_length: int = arg(0, help="How long secret values of `required` have to be.")
    public: list[str] = arg(default_factory=list, help="Names whose values may be shown.")

    def look(self, host: Reader) -> dict[str, Any]:
        if not host.exists(self.path):
            raise Failed(f"there is no {self.path}", exists=False, variables={}, problems=[f"there is no {self.path}"])
        try:
            found = interpolate.env_file(host.read(self.path).decode("utf-8", "replace"), self.path, {})
        except interpolate.BadTemplate as error:
            raise Failed(str(error), exists=True, variables={}, problems=[str(error)]) from None
        problems = [text for name in self.required for text in self._judge(name, found.get(name))]
        variables = {name: value if name in self.public else Secret(value) for name, value in found.items() if value is not None}
        result = {"exists": True, "variables": variables, "problems": problems}
        if problems:
            raise Failed("; ".join(problems), **result)
        return result

    def _judge(self, name: str, value: Any) -> list[str]:
        """What is wrong with a variable, in words that do not show it."""
        where = f"{name} in {os.path.basename(self.path)}"
        if value is None:
            return [f"{name} is missing in {os.path.basename(self.path)}"]
        if not value:
            return [f"{where} is empty"]
        if re.search(self.placeholder, value, re.IGNORECASE):
            return [f"{where} is still a placeholder"]
        if name not in self.public and len(value) < self.min_length:
            return [f"{where} is too short: {len(value)} characters, at least {self.min_length} are needed"]
        return []
