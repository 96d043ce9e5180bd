"""Which project is meant: the arguments that all modules of Compose stacks have."""

from __future__ import annotations

import json
from typing import Optional, Sequence

from nxtplay.core.host import Failed
from nxtplay.core.resource import Args, arg, exclusive, one_of
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _files
from nxtplay.modules._compose import load
from nxtplay.modules._compose.load import Request

RULES = (one_of("project_src", "definition"), exclusive("project_src", "definition"), exclusive("definition", "files"))


class ProjectOptions(Args):
    """The files of a project and how they are read."""

    project_src: Optional[Path] = arg(None, help="Folder of the Compose files.", key=True)
    project_name: Optional[str] = arg(None, help="Name of the project; else `name:` in the file, else the folder's name.", key=True)
    files: list[str] = arg(default_factory=list, help="Compose files in `project_src`, later ones on top. Default: the usual names.")
    definition: Optional[dict[str, Raw]] = arg(None, help="The Compose file itself; needs project_name.")
    env_files: list[str] = arg(default_factory=list, help="Files with variables for the Compose files; replaces `.env`.")
    profiles: list[str] = arg(default_factory=list, help="Profiles to enable.")
    check_files_existing: bool = arg(True, help="Accepted for Ansible's sake; missing files are always an error.")
    docker_cli: Optional[str] = arg(None, help="Accepted for Ansible's sake; the docker command is not used.")
    cli_context: Optional[str] = arg(None, help="Accepted for Ansible's sake; give docker_host instead.")

    def request(self, services: Sequence[str], *, profiles: Sequence[str] = (), over: Optional[load.Over] = None) -> Request:
        """The arguments as a request for a project. Failed where they do not go together."""
        if self.definition is not None and not self.project_name:
            raise Failed("`definition` needs `project_name`, too")
        return Request(
            directory=_files.host_path(self.project_src or "."),
            files=tuple(self.files),
            definition=json.dumps(self.definition) if self.definition is not None else None,
            project_name=self.project_name,
            env_files=tuple(self.env_files),
            profiles=tuple(profiles or self.profiles),
            services=tuple(services),
            over=over,
        )
