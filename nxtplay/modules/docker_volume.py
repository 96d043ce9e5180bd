"""docker_volume: a named volume."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Raw
from nxtplay.modules import _docker


@dataclass(frozen=True)
class VolumeState:
    """Those options of which the arguments speak."""

    options: dict[str, Any]
    found: Any = field(default=None, compare=False, metadata={"volatile": True})  # all that the engine tells


class DockerVolume(_docker.DockerOptions, Resource[VolumeState]):
    """A Docker volume. It cannot be altered: where an option differs the task fails, unless it may be made anew and lose its data."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Volume name.", key=True, aliases=["volume_name"])
    state: Literal["present", "absent"] = arg("present", help="Whether the volume should exist.")
    driver: Optional[str] = arg(None, help="Driver; local by default.")
    driver_options: dict[str, Raw] = arg(default_factory=dict, help="Options of the driver.")
    labels: dict[str, str] = arg(default_factory=dict, help="Labels.")
    recreate: Literal["always", "never", "options-changed"] = arg(
        "never", help="Whether a volume that differs is made anew. The data in it is lost."
    )

    def key(self) -> str:
        return f"volume:{self.name}"

    def _options(self) -> dict[str, Any]:
        given = {"driver": self.driver, "driver_options": _docker.texts(self.driver_options), "labels": self.labels}
        return {key: value for key, value in given.items() if value}

    def observe(self, host: Reader) -> Optional[VolumeState]:
        import docker.errors

        if host.has_foreseen(self.key()):
            found = host.promised(self.key())
            return found if isinstance(found, VolumeState) else None if found is None else VolumeState(self._options())
        with _docker.engine(host, self) as api:
            try:
                live = api.inspect_volume(self.name)
            except docker.errors.NotFound:
                return None
        options, labels = live.get("Options") or {}, live.get("Labels") or {}
        held = {
            "driver": live.get("Driver"),
            "driver_options": {k: v for k, v in options.items() if k in self.driver_options},
            "labels": {k: v for k, v in labels.items() if k in self.labels},
        }
        return VolumeState({key: value for key, value in held.items() if key in self._options()}, live)

    def desired(self, host: Reader, before: Optional[VolumeState]) -> Optional[VolumeState]:
        if self.state == "absent":
            return None
        wanted = VolumeState(self._options())
        if before is not None and before != wanted and self.recreate == "never":
            names = ", ".join(key for key, value in wanted.options.items() if before.options.get(key) != value)
            raise Failed(
                f"volume {self.name} differs in {names}, and a volume cannot be altered; "
                "copy its data and remove it, or say `recreate: options-changed` to lose the data"
            )
        return wanted

    def due(self, host: Reader, plan: Plan[VolumeState]) -> Optional[str]:
        return "recreate: always" if self.recreate == "always" and self.state == "present" and plan.before and not plan else None

    def perform(self, host: Host, plan: Plan[VolumeState]) -> None:
        self.apply(host, plan)

    def apply(self, host: Host, plan: Plan[VolumeState]) -> None:
        with _docker.engine(host, self) as api:
            if plan.before is not None:
                users = [c["Names"][0].lstrip("/") for c in api.containers(all=True, filters={"volume": self.name})]
                if users:
                    raise Failed(f"volume {self.name} is in use by {', '.join(users)}; remove these containers first")
                api.remove_volume(self.name)
            if plan.after is not None:
                options = _docker.texts(self.driver_options) or None
                api.create_volume(self.name, driver=self.driver, driver_opts=options, labels=self.labels or None)

    def result(self, before: Optional[VolumeState], after: Optional[VolumeState]) -> dict[str, Any]:
        if after is None:
            return {"volume": {}, "actions": []}
        told = after.found or (before.found if before and before == after else None)
        later = Unknown(f"volume {self.name} is known after the run")
        open_ = dict.fromkeys(("CreatedAt", "Labels", "Mountpoint", "Options", "Scope"), later)
        return {"volume": told or {**open_, "Name": self.name, "Driver": self.driver or "local"}, "actions": []}
