"""docker_host_info: the engine, and what it holds."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Raw
from nxtplay.modules import _docker


class DockerHostInfo(_docker.DockerOptions, Query):
    """Look at the engine: `host_info` as `docker info`, lists and disk usage when asked for."""

    libraries = ("docker",)
    private = False

    containers: bool = arg(False, help="List containers.")
    containers_all: bool = arg(False, help="With `containers`: those that do not run, too.")
    containers_filters: dict[str, Raw] = arg(default_factory=dict, help="Filters for containers.")
    images: bool = arg(False, help="List images.")
    images_filters: dict[str, Raw] = arg(default_factory=dict, help="Filters for images.")
    networks: bool = arg(False, help="List networks.")
    networks_filters: dict[str, Raw] = arg(default_factory=dict, help="Filters for networks.")
    volumes: bool = arg(False, help="List volumes.")
    volumes_filters: dict[str, Raw] = arg(default_factory=dict, help="Filters for volumes.")
    disk_usage: bool = arg(False, help="How much disk things take.")
    verbose_output: bool = arg(False, help="Lists with everything the engine tells, not the main fields alone.")

    def look(self, host: Reader) -> dict[str, Any]:
        try:
            return self._look(host)
        except Failed as failed:
            raise Failed(failed.message, **{**failed.result, "can_talk_to_docker": False}) from None

    def _look(self, host: Reader) -> dict[str, Any]:
        with _docker.engine(host, self) as api:
            out: dict[str, Any] = {"can_talk_to_docker": True, "host_info": api.info()}
            out["host_info"]["Version"] = api.version()
            if self.containers:
                out["containers"] = self._short(api.containers(all=self.containers_all, filters=self.containers_filters), _CONTAINER)
            if self.images:
                out["images"] = self._short(api.images(filters=self.images_filters), _IMAGE)
            if self.networks:
                out["networks"] = self._short(api.networks(filters=self.networks_filters), _NETWORK)
            if self.volumes:
                out["volumes"] = self._short(api.volumes(filters=self.volumes_filters).get("Volumes") or [], _VOLUME)
            if self.disk_usage:
                usage = api.df()
                out["disk_usage"] = usage if self.verbose_output else {"LayersSize": usage.get("LayersSize")}
        return out

    def _short(self, found: list[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
        return found if self.verbose_output else [{key: item.get(key) for key in keys if key in item} for item in found]


_CONTAINER = ("Id", "Image", "Command", "Created", "Status", "Ports", "Names", "State", "Labels")
_IMAGE = ("Id", "RepoTags", "Created", "Size")
_NETWORK = ("Id", "Driver", "Name", "Scope")
_VOLUME = ("Driver", "Name")
