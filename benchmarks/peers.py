"""The tools that are compared, each in a virtual environment of its own below the cache folder."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from ground import Ground

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "nxtplay": [],  # what its setup.cfg asks for
    "ansible": ["ansible-core==2.19.*"],
    "mitogen": ["ansible-core==2.19.*", "mitogen>=0.3.20"],
    "pyinfra": ["pyinfra>=3,<4"],
}
NAMES = tuple(PACKAGES)
_CONFIG = """\
[defaults]
host_key_checking = False
timeout = 120
local_tmp = {folder}/ansible/tmp
remote_tmp = {folder}/ansible/remote
{strategy}
[ssh_connection]
pipelining = True
control_path_dir = {folder}/ansible/cp
"""


@dataclass(frozen=True)
class Play:
    """The same work for everybody: a playbook, a pyinfra deploy (empty: pyinfra cannot), and the hosts (0: this machine)."""

    playbook: str
    deploy: str = ""
    hosts: int = 0
    slow: bool = False
    forks: int = 50


def cache() -> Path:
    """Where environments and work folders are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nxtplay-benchmarks"


def program(peer: str, name: str) -> str:
    """A program of a tool's environment."""
    return str(cache() / peer / "bin" / name)


def packages(peer: str) -> list[str]:
    """What pip is asked for; for nxtplay itself: what it stands on."""
    if PACKAGES[peer]:
        return PACKAGES[peer]
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return [*config["options"]["install_requires"].split(), "setuptools>=70.1"]


def install(peer: str) -> str:
    """Make the environment where it is missing (nxtplay's is renewed each time); the version of the tool."""
    folder = cache() / peer
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if not (folder / "bin" / "pip").exists():
        print(f"installing {peer} ...", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([*pip, "install", *packages(peer)], check=True, env=environ)
    if peer == "nxtplay":
        with tempfile.TemporaryDirectory() as copy:  # so that building leaves nothing in the checkout
            for name in ("setup.cfg", "pyproject.toml", "README.md"):
                shutil.copy(ROOT / name, copy)
            shutil.copytree(ROOT / "nxtplay", f"{copy}/nxtplay", ignore=shutil.ignore_patterns("__pycache__"))
            subprocess.run([*pip, "install", "--force-reinstall", "--no-deps", "--no-build-isolation", copy], check=True, env=environ)
    code = f"from importlib.metadata import version; print(version({ {'ansible': 'ansible-core'}.get(peer, peer)!r}))"
    return subprocess.run([pip[0], "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def environ(peer: str, ground: Ground) -> dict[str, str]:
    """The tool's environment variables; Ansible's configuration is written."""
    found = ground.environ()
    if peer not in ("ansible", "mitogen"):
        return found
    strategy = ""
    if peer == "mitogen":
        plugins = next((cache() / peer / "lib").glob("python*/site-packages/ansible_mitogen/plugins/strategy"))
        strategy = f"strategy_plugins = {plugins}\nstrategy = mitogen_linear\n"
    path = ground.folder / f"{peer}.cfg"
    path.write_text(_CONFIG.format(folder=ground.folder, strategy=strategy))
    return {**found, "ANSIBLE_CONFIG": str(path)}


def command(peer: str, play: Play, ground: Ground) -> list[str] | None:
    """The command line for a tool; None when it cannot do that work."""
    ini, py = ground.inventories(play.hosts, slow=play.slow) if play.hosts else (None, None)
    if peer == "pyinfra":
        if not play.deploy:
            return None
        deploy = _written(ground, "deploy.py", play.deploy)
        return [program(peer, "pyinfra"), "-y", str(py or "@local"), deploy, "--parallel", str(play.forks)]
    words = [program(peer, "nxtplay" if peer == "nxtplay" else "ansible-playbook"), _written(ground, "play.yml", play.playbook)]
    return [*words, "-f", str(play.forks), *(["-i", str(ini)] if ini else [])]


def _written(ground: Ground, name: str, text: str) -> str:
    path = ground.folder / name
    path.write_text(text)
    return str(path)


if __name__ == "__main__":
    for peer in sys.argv[1:] or NAMES:
        print(peer, install(peer))
