"""pip: Python packages, of the system or of a virtual environment."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Literal, Optional

from nxtplay.core import place
from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of
from nxtplay.core.types import Path
from nxtplay.modules import _files
from nxtplay.modules._requirements import Requirement, requirement, requirements


class Pip(Action):
    """Install, upgrade or remove Python packages with pip."""

    rules = (one_of("name", "requirements"), exclusive("name", "requirements"), exclusive("executable", "virtualenv"))

    name: list[str] | None = arg(None, help="Packages: name, name==1.2, name>=1,<2, name[extra], an address.")
    version: str | None = arg(None, help="The version, for a single name.")
    requirements: str | None = arg(None, help="A requirements file on the host.")
    state: Literal["present", "absent", "latest", "forcereinstall"] = arg("present", help="What they shall be.")
    virtualenv: Path | None = arg(None, help="A virtual environment, made where it is not there.")
    virtualenv_command: str = arg("virtualenv", help="What makes it; python3 -m venv where that is not installed.")
    virtualenv_python: str | None = arg(None, help="The Python to make it with.")
    virtualenv_site_packages: bool = arg(False, help="Whether it sees the system's packages.")
    executable: str | None = arg(
        None, help="The pip to use, such as pip3.11; else that of the host's Python (`ansible_python_interpreter`)."
    )
    chdir: Path | None = arg(None, help="Directory to run pip in.")
    editable: bool = arg(False, help="Install from a directory so that changes there count.")
    extra_args: str | None = arg(None, help="Further words for pip.")
    umask: str | None = arg(None, help="The umask for what is written, octal, as text.")
    break_system_packages: bool = arg(False, help="Install even where the system's packages are not pip's to change.")

    def due(self, host: Reader) -> Optional[str]:
        if self.version is not None and len(self.name or ()) != 1:
            raise Failed("version takes one name: which package is it the version of?")
        if self.version is not None and self.state == "latest":
            raise Failed("version and state: latest contradict each other")
        if self.chdir is not None and not host.is_dir(_files.host_path(self.chdir)):
            raise Failed(f"chdir: {self.chdir} is no directory on this host")
        if self.virtualenv is not None and not host.exists(self._in_environment("bin/activate")):
            return f"makes {self.virtualenv}" if self.state != "absent" else None
        wanted = self._wanted(host)
        if self.state == "forcereinstall":
            return "installs again"
        if any(one.name == "" for one in wanted):  # an address, or what only pip understands
            return "pip decides"
        have = self._installed(host, self._pip(host))
        if self.state == "absent":
            gone = [one.name for one in wanted if one.name in have]
            return f"removes {', '.join(gone)}" if gone else None
        missing = [one.text for one in wanted if not one.met_by(have.get(one.name))]
        if missing:
            return f"installs {', '.join(missing)}"
        return "looks for newer versions" if self.state == "latest" else None

    def certain(self) -> bool:
        return self.state in ("absent", "forcereinstall") or (self.state == "present" and self.name is not None)

    def idle(self, host: Reader) -> dict[str, Any]:
        return self._told([], None)

    def perform(self, host: Host) -> dict[str, Any]:
        made = self.virtualenv is not None and not host.exists(self._in_environment("bin/activate"))
        if made:
            self._make_environment(host)
        pip = self._pip(host)
        before = {} if made else self._installed(host, pip)
        verb = {
            "present": ["install"],
            "latest": ["install", "-U"],
            "forcereinstall": ["install", "-U", "--force-reinstall"],
            "absent": ["uninstall", "-y"],
        }[self.state]
        what = ["-r", self.requirements] if self.requirements else [one.text for one in self._wanted(host)]
        words = [*pip, *verb, *(["-e"] if self.editable and self.state != "absent" else []), *self._extra(), *what]
        done = self._run(host, words)
        if done.rc != 0:
            message = f"pip failed: {(done.stderr or done.stdout).strip()[-2000:]}"
            raise Failed(message, rc=done.rc, stdout=done.stdout, stderr=done.stderr, cmd=words)
        after = self._installed(host, pip)
        changed = before != after or self.state == "forcereinstall" or "Successfully installed" in done.stdout
        return {**self._told(words, done), "changed": changed}

    def _told(self, words: list[str], done: Optional[Completed]) -> dict[str, Any]:
        return {
            "cmd": words,
            "name": self.name,
            "version": self.version,
            "state": self.state,
            "requirements": self.requirements,
            "virtualenv": self.virtualenv,
            "stdout": done.stdout if done else "",
            "stderr": done.stderr if done else "",
        }

    # -- what is wanted and what is there

    def _wanted(self, host: Reader) -> list[Requirement]:
        if self.requirements is not None:
            folder = _files.host_path(self.chdir) if self.chdir is not None else place.here()
            return requirements(host, os.path.join(folder, os.path.expanduser(self.requirements)))
        names = _split(",".join(self.name or ()))  # a list that was written as one text came apart at every comma
        if self.version is not None:
            exact = self.version if re.match(r"[<>=!~]", self.version) else f"=={self.version}"
            names = [names[0] + exact]
        return [Requirement("", name) if self.editable else requirement(name) for name in names]

    def _installed(self, host: Reader, pip: list[str]) -> dict[str, str]:
        """Every package by its normalised name, with its version; what is installed from elsewhere with that."""
        done = host.look([*pip, "list", "--format=json", "--disable-pip-version-check"], timeout=120)
        if done.rc != 0:
            raise Failed(f"pip list failed: {done.stderr.strip()[-800:]}", rc=done.rc)
        import json

        return {requirement(one["name"]).name: str(one["version"]) for one in json.loads(done.stdout)}

    def _in_environment(self, path: str) -> str:
        return os.path.join(_files.host_path(str(self.virtualenv)), path)

    def _pip(self, host: Reader) -> list[str]:
        if self.virtualenv is not None:
            return [self._in_environment("bin/python"), "-m", "pip"]
        if self.executable is not None:
            found = host.which(os.path.expanduser(self.executable))
            if found is None:
                raise Failed(f"executable: no {self.executable} on this host")
            return [found]
        # the Python that the host's agent runs on, unless that is nxtplay's own, where the agent is a thread of it
        if "nxtplay.cli" not in sys.modules and sys.executable and host.look([sys.executable, "-c", "import pip"]).rc == 0:
            return [sys.executable, "-m", "pip"]
        found = host.which("pip3") or host.which("pip")
        if found is None:
            raise Failed("no pip on this host; install python3-pip first")
        return [found]

    def _make_environment(self, host: Host) -> None:
        import shlex

        words = shlex.split(self.virtualenv_command)
        program = host.which(os.path.expanduser(words[0]))
        if program is None:
            words = [self.virtualenv_python or "python3", "-m", "venv"]
            program = host.which(words[0])
            if program is None:
                raise Failed(f"no {words[0]} on this host to make the virtual environment with")
        is_venv = words[-1] in ("venv", "pyvenv") or re.match(r"pyvenv", os.path.basename(words[0]))
        options = ["--system-site-packages"] if self.virtualenv_site_packages else []
        if self.virtualenv_python is not None and not is_venv:
            options.append(f"-p{self.virtualenv_python}")
        done = self._run(host, [program, *words[1:], *options, _files.host_path(str(self.virtualenv))])
        if done.rc != 0:
            raise Failed(f"cannot make the virtual environment: {(done.stderr or done.stdout).strip()[-800:]}", rc=done.rc)

    def _extra(self) -> list[str]:
        import shlex

        breaks = ["--break-system-packages"] if self.break_system_packages else []
        return [*shlex.split(self.extra_args or ""), *breaks, "--disable-pip-version-check"]

    def _run(self, host: Host, words: list[str]) -> Completed:
        old = os.umask(int(self.umask, 8)) if self.umask else None
        try:
            return host.run(words, cwd=_files.host_path(self.chdir) if self.chdir is not None else None, timeout=3600)
        finally:
            if old is not None:
                os.umask(old)


def _split(name: str) -> list[str]:
    """Names of a text with commas; commas within the bounds of one name stay (`a>=1,<2,b`)."""
    parts: list[str] = []
    for part in name.split(","):
        if parts and (re.match(r"\s*[<>=!~]", part) or parts[-1].count("[") > parts[-1].count("]")):
            parts[-1] += "," + part
        elif part.strip():
            parts.append(part.strip())
    return parts
