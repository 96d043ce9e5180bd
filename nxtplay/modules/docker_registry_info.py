"""docker_registry_info: whether images can be pulled."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules import _docker, _docker_registry


class DockerRegistryInfo(_docker.DockerOptions, Query):
    """Ask the registries of images, through the engine, whether they hold them. Nothing is pulled; an unreachable registry is an answer.

    `images` has by name: status (found, missing, denied, unreachable), digest, message, present (whether the host has the image).
    `reachable` is true when no registry was out of reach, `pullable` when all images were found.
    """

    libraries = ("docker",)
    private = False

    name: list[str] = arg(help="Image names.", aliases=["images", "names"])

    def look(self, host: Reader) -> dict[str, Any]:
        out: dict[str, Any] = {}
        down: dict[str, str] = {}  # a registry that does not answer is asked once
        with _docker.engine(host, self, timeout=min(self.timeout, 30)) as api:
            for name in self.name:
                registry = name.split("/")[0] if "." in name.split("/")[0] else "docker.io"
                present = _docker.image_id(host, api, name) is not None
                if registry in down:
                    answer = _docker_registry.Answer("unreachable", message=down[registry])
                else:
                    answer = self._ask(host, api, name)
                if answer.status == "unreachable":
                    down[registry] = answer.message
                out[name] = {"status": answer.status, "digest": answer.digest, "message": answer.message, "present": present}
        return {
            "images": out,
            "reachable": not down,
            "pullable": all(v["status"] == "found" for v in out.values()),
            "present": all(v["present"] for v in out.values()),
        }

    def _ask(self, host: Reader, api: Any, name: str) -> _docker_registry.Answer:
        import requests.exceptions

        try:
            return _docker_registry.ask(host, api, name)
        except (requests.exceptions.Timeout, TimeoutError):
            return _docker_registry.Answer("unreachable", message="no answer in time")
        except Failed as failed:
            return _docker_registry.Answer("unreachable", message=failed.message)
