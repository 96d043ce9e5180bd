"""docker_login: the login to a registry that this user's Docker configuration holds."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Secret
from nxtplay.core.types import Path
from nxtplay.modules import _docker, _files

HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class LoginState:
    username: str
    password: Secret


class DockerLogin(_docker.DockerOptions, Resource[LoginState]):
    """Log in to a registry: the registry is asked, in a check too, and the login is kept for docker, docker_image_pull and their kind."""

    libraries = ("docker",)
    private = False
    rules = (required_if("state", "present", "username", "password"),)

    registry_url: str = arg(HUB, help="The registry; Docker Hub by default.", aliases=["registry", "url"], key=True)
    username: Optional[str] = arg(None, help="Who logs in.")
    password: Optional[Secret] = arg(None, help="The password or token.")
    reauthorize: bool = arg(False, help="Log in though the same login is kept.", aliases=["reauth"])
    config_path: Path = arg("~/.docker/config.json", help="The configuration that keeps it.", aliases=["dockercfg_path"], key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether to be logged in.")

    def key(self) -> str:
        return f"docker-login:{self._path()}:{self.registry_url}"

    def _path(self) -> str:
        return _files.host_path(self.config_path)

    def _config(self, host: Reader) -> dict[str, Any]:
        path = self._path()
        if not host.exists(path):
            return {}
        try:
            found = json.loads(host.read(path).decode("utf-8", "replace") or "{}")
        except ValueError as error:
            raise Failed(f"{path} is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise Failed(f"{path} holds no JSON object")
        return found

    def _helper(self, host: Reader) -> str:
        """The program that keeps this registry's logins instead of the file, or nothing."""
        config = self._config(host)
        name = (config.get("credHelpers") or {}).get(self.registry_url) or config.get("credsStore")
        return f"docker-credential-{name}" if name else ""

    def observe(self, host: Reader) -> Optional[LoginState]:
        if host.has_foreseen(self.key()):
            found: Optional[LoginState] = host.foreseen(self.key())
            return found
        helper = self._helper(host)
        if helper:
            answer = _ask(helper, "get", self.registry_url)
            held = json.loads(answer.stdout) if answer.returncode == 0 else {}
            return LoginState(str(held["Username"]), Secret(held["Secret"])) if held.get("Username") else None
        entry = (self._config(host).get("auths") or {}).get(self.registry_url) or {}
        username, _, password = base64.b64decode(entry.get("auth") or "").decode("utf-8", "replace").partition(":")
        return LoginState(username, Secret(password)) if username else None

    def desired(self, host: Reader, before: Optional[LoginState]) -> Optional[LoginState]:
        if self.state == "absent":
            return None
        wanted = LoginState(self.username or "", Secret(self.password or ""))
        with _docker.engine(host, self) as api:
            body = {"username": wanted.username, "password": str(wanted.password), "serveraddress": self.registry_url}
            answer = api._post_json(api._url("/auth"), data=body)
        if answer.status_code != 200:
            said = answer.json().get("message", "") if answer.content else ""
            raise Failed(f"{self.registry_url} does not let {self.username} in: {said}")
        return wanted

    def due(self, host: Reader, plan: Plan[LoginState]) -> Optional[str]:
        return "reauthorize: true" if self.reauthorize and self.state == "present" and not plan else None

    def perform(self, host: Host, plan: Plan[LoginState]) -> None:
        self.apply(host, plan)

    def apply(self, host: Host, plan: Plan[LoginState]) -> None:
        helper, after = self._helper(host), plan.after
        if helper:
            entry = json.dumps({"ServerURL": self.registry_url, "Username": after.username, "Secret": str(after.password)}) if after else ""
            answer = _ask(helper, "store" if after else "erase", entry or self.registry_url)
            if answer.returncode != 0:
                raise Failed(f"{helper} refused: {(answer.stdout or answer.stderr).strip()}")
            return
        config, path = self._config(host), self._path()
        auths = config.setdefault("auths", {})
        if after is None:
            auths.pop(self.registry_url, None)
        else:
            auths[self.registry_url] = {"auth": base64.b64encode(f"{after.username}:{after.password}".encode()).decode("ascii")}
        folder = os.path.dirname(path)
        if not host.exists(folder):
            host.mkdir(folder, mode=0o700)
        host.write(path, (json.dumps(config, indent=4) + "\n").encode(), mode=0o600)

    def result(self, before: Optional[LoginState], after: Optional[LoginState]) -> dict[str, Any]:
        told = {"username": after.username, "serveraddress": self.registry_url} if after else {}
        return {"login_results": told, "actions": []}


def _ask(helper: str, verb: str, data: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([helper, verb], input=data, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise Failed(f"the Docker configuration keeps logins with {helper}, which is not there") from None
