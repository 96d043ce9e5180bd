"""What the module takes in and gives out, apart from bringing things about."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed
from nxtplay.modules._compose import create
from nxtplay.modules._compose.load import Request
from nxtplay.modules._compose.project import Project


def request(
    *,
    project_src: Optional[str],
    project_name: Optional[str],
    files: Sequence[str],
    definition: Optional[Mapping[str, Any]],
    env_files: Sequence[str],
    profiles: Sequence[str],
    services: Sequence[str],
) -> Request:
    """The module's arguments as a request for a project. Failed where they do not go together."""
    if definition is not None and not project_name:
        raise Failed("`definition` needs `project_name`, too")
    directory = os.path.abspath(os.path.expanduser(project_src or "."))
    return Request(
        directory=directory,
        files=tuple(files),
        definition=json.dumps(definition) if definition is not None else None,
        project_name=project_name,
        env_files=tuple(env_files),
        profiles=tuple(profiles),
        services=tuple(services),
    )


def first_name(project: Project, service: str) -> str:
    return create.container_name(project, service, 1)
