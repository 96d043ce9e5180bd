"""Variables that nobody sets: the host's name and groups, the play's hosts, the role, what the command line asked for."""

from __future__ import annotations

import datetime
import os
import pwd
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nxtplay import __version__
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.options import Options
from nxtplay.playbook.model import Play, Role
from nxtplay.playbook.roles import collection_of
from nxtplay.variables.precedence import Layer, Level

if TYPE_CHECKING:
    from nxtplay.inventory.model import Inventory


class Magic:
    """Layers of magic variables. Each is made once and shared: by the run, by a play's batch, by a host, by a role."""

    def __init__(self, inventory: Inventory, options: Options, hostvars: Mapping[str, Any], *, playbook_dir: str) -> None:
        self._inventory, self._options, self._hostvars, self._playbook_dir = inventory, options, hostvars, playbook_dir
        self._run: Layer | None = None
        self._play: list[Layer] = []
        self._hosts: dict[str, Layer] = {}
        self._roles: dict[int, tuple[Role, Layer]] = {}

    def begin(self, play: Play, name: str, hosts: Sequence[HostRun], batch: Sequence[HostRun]) -> None:
        """A batch of a play's hosts is next."""
        needed = list(dict.fromkeys(name for role in play.roles for name in _needed(role)))
        roles = [role.name for role in play.roles if not role.parents]
        values = {
            "ansible_play_hosts_all": [host.name for host in hosts],
            "ansible_play_name": name,
            "ansible_play_role_names": roles,
            "role_names": roles,
            "ansible_dependent_role_names": needed,
            "ansible_role_names": list(dict.fromkeys([*needed, *roles])),
        }
        self._play = [_layer(values), _layer(_Alive(hosts, batch))]

    def forget(self) -> None:
        """The inventory has changed."""
        self._run = None
        self._hosts.clear()

    def layers(self, host: HostRun | None, role: Role | None) -> list[Layer]:
        """What a task of the role on the host sees; None: not known yet, or none."""
        if self._run is None:
            self._run = _layer(self._of_run())
        out = [self._run, *self._play]
        if role is not None:
            known = self._roles.get(id(role))
            if known is None:
                known = self._roles[id(role)] = role, _layer(_of_role(role))
            out.append(known[1])
        if host is not None:
            found = self._hosts.get(host.name)
            if found is None:
                found = self._hosts[host.name] = _layer(self.of_host(host))
            out.append(found)
        return out

    def of_host(self, host: HostRun) -> dict[str, Any]:
        """What says which host it is."""
        return {
            "inventory_hostname": host.name,
            "inventory_hostname_short": host.name.split(".")[0],
            "group_names": self._inventory.groups_of(host.name),
            "ansible_facts": host.facts,
        }

    def _of_run(self) -> dict[str, Any]:
        inventory, options = self._inventory, self._options
        major, minor, *_ = (int(n) for n in __version__.split(".")[:3])
        return {
            "hostvars": self._hostvars,
            "groups": inventory.magic_groups(),
            "playbook_dir": self._playbook_dir,
            "inventory_dir": inventory.directory,
            "inventory_file": inventory.file,
            "ansible_inventory_sources": list(inventory.sources),
            "ansible_check_mode": options.check,
            "ansible_diff_mode": options.diff,
            "ansible_verbosity": options.verbosity,
            "ansible_forks": options.forks,
            "ansible_config_file": options.config_file or None,
            **({"ansible_limit": options.limit} if options.limit else {}),
            "ansible_run_tags": list(options.tags) or ["all"],
            "ansible_skip_tags": list(options.skip_tags),
            "ansible_version": {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"},
            "nxtplay_version": {"full": __version__, "major": major, "minor": minor},
            "ansible_playbook_python": sys.executable,
        }


def _of_role(role: Role) -> dict[str, Any]:
    collection = collection_of(role.path)
    short = role.name.rpartition(".")[2] if collection else role.name
    out: dict[str, Any] = {
        "role_name": short,
        "ansible_role_name": f"{collection}.{short}" if collection else role.name,
        "role_path": os.path.abspath(role.path),
    }
    if role.parents:
        out["ansible_parent_role_names"] = [parent.name for parent in role.parents]
        out["ansible_parent_role_paths"] = [os.path.abspath(parent.path) for parent in role.parents]
    return out | ({"ansible_collection_name": collection} if collection else {})


def _layer(values: Mapping[str, Any]) -> Layer:
    return Layer(Level.MAGIC, "nxtplay", values, trusted=False)


class _Alive(Mapping[str, Any]):
    """The hosts that are still in the play, found out when asked for: otherwise each of thousands of hosts would look at all the others."""

    def __init__(self, hosts: Sequence[HostRun], batch: Sequence[HostRun]) -> None:
        self._of: dict[str, Sequence[HostRun]] = {"ansible_play_hosts": hosts, "ansible_play_batch": batch, "play_hosts": batch}

    def __getitem__(self, name: str) -> list[str]:
        return [host.name for host in self._of[name] if not (host.out or host.lost or host.gone)]

    def __contains__(self, name: object) -> bool:
        return name in self._of

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


def _needed(role: Role) -> Iterator[str]:
    """The names of the roles that a role depends on, at any depth."""
    for one in role.dependencies:
        yield one.name
        yield from _needed(one)


def of_template(path: str, source: str, dest: object) -> Layer:
    """What a template file may say of itself: `path` is where it is, `source` how the task calls it, `dest` where it goes."""
    found = os.stat(path)
    try:
        owner: str | int = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = found.st_uid
    values = {
        "template_host": os.uname().nodename,
        "template_path": source,
        "template_fullpath": os.path.abspath(path),
        "template_destpath": dest,
        "template_mtime": datetime.datetime.fromtimestamp(found.st_mtime),
        "template_uid": owner,
        "template_run_date": datetime.datetime.now(),
    }
    return Layer(Level.MAGIC, "the template file", values, trusted=False)
