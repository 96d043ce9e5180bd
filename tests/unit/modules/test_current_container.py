"""Whether we are in a container, told from what the kernel shows."""

from __future__ import annotations

import pytest

from nxtplay.modules.current_container_facts import found_in

ID = "c86f3732b5ba3d28bb83b6e14af767ab96abbc52de31313dcb1176a62d91a507"
MOUNT = "1 2 8:1 /var/lib/{} /etc/hostname rw - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize(
    ("cpuset", "mounts", "found"),
    [
        ("/\n", "", ("", "")),
        (f"/docker/{ID}\n", "", ("docker", ID)),
        (f"/azpl_job/{ID}", "", ("azure_pipelines", ID)),
        (f"/actions_job/{ID}", "", ("github_actions", ID)),
        ("/", MOUNT.format(f"docker/containers/{ID}/hostname"), ("docker", ID)),
        ("/../..", MOUNT.format(f"containers/{ID}/userdata/hostname"), ("podman", ID)),
        ("", "1 2 8:1 / / rw\nshort\n" + MOUNT.format("x/hostname"), ("", "")),
    ],
)
def test_the_container_is_told_from_its_control_group_or_its_hostname_file(cpuset: str, mounts: str, found: tuple[str, str]) -> None:
    assert found_in(cpuset, mounts) == found
