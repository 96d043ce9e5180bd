"""`ansible.module_utils.distro`: which system this is, as /etc/os-release says."""

from __future__ import annotations

import shlex
from typing import Any

PLACES = ("/etc/os-release", "/usr/lib/os-release")


def os_release_info() -> dict[str, str]:
    for place in PLACES:
        try:
            with open(place, encoding="utf-8") as stream:
                words = shlex.split(stream.read(), comments=True)
        except (OSError, ValueError):
            continue
        return {key.lower(): value for key, sign, value in (word.partition("=") for word in words) if sign}
    return {}


def os_release_attr(attribute: str) -> str:
    return os_release_info().get(attribute, "")


def id() -> str:
    return os_release_attr("id").lower().replace(" ", "_")


def name(pretty: bool = False) -> str:
    return os_release_attr("pretty_name" if pretty else "name")


def version(pretty: bool = False, best: bool = False) -> str:
    number = os_release_attr("version_id")
    return f"{number} ({codename()})" if pretty and codename() else number


def codename() -> str:
    return os_release_attr("version_codename")


def like() -> str:
    return os_release_attr("id_like")


def version_parts(best: bool = False) -> tuple[str, str, str]:
    major, minor, build = [*version(best=best).split("."), "", "", ""][:3]
    return major, minor, build


def major_version(best: bool = False) -> str:
    return version_parts(best)[0]


def minor_version(best: bool = False) -> str:
    return version_parts(best)[1]


def build_number(best: bool = False) -> str:
    return version_parts(best)[2]


def info(pretty: bool = False, best: bool = False) -> dict[str, Any]:
    major, minor, build = version_parts(best)
    parts = {"major": major, "minor": minor, "build_number": build}
    return {"id": id(), "version": version(pretty, best), "version_parts": parts, "like": like(), "codename": codename()}


def linux_distribution(full_distribution_name: bool = True) -> tuple[str, str, str]:
    return (name() if full_distribution_name else id(), version(), codename())
