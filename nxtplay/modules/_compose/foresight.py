"""What tasks behind it in a check may count on once a stack has been brought about."""

from __future__ import annotations

from typing import Any

from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _docker
from nxtplay.modules._compose import create, state
from nxtplay.modules._compose.project import Project
from nxtplay.modules._compose.state import StackState


def of(project: Project, plan: Plan[StackState]) -> list[tuple[str, Any]]:
    """(key, state) of everything that the plan changes."""
    assert plan.before is not None and plan.after is not None
    out: list[tuple[str, Any]] = []
    for image, after in plan.after.images.items():
        if plan.changed("images", image):
            out.append((_docker.image_key(image), after))
    for name in project.services:
        if plan.changed("services", name):
            there = name in plan.after.services
            out.append((state.service_key(project, name), plan.after.services.get(name)))
            unknown = Unknown(f"the container of {name} is known after the run")
            out.append((f"container:{create.container_name(project, name, 1)}", unknown if there else None))
    for section in ("networks", "volumes"):
        for key, spec in getattr(project, section).items():
            if plan.changed(section, key):
                out.append((f"{section[:-1]}:{spec['name']}", getattr(plan.after, section).get(key)))
    if plan.changed("orphans"):
        out.append((state.orphans_key(project), plan.after.orphans))
    return out
