"""Ports that are free, held by somebody else, held by somebody who may."""

from __future__ import annotations

import os
import socket

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules.port_free import PortFree

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere"}


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_process_that_holds_a_port_is_named(family: int) -> None:
    with socket.socket(family) as holder:
        try:
            holder.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = holder.getsockname()[1]
        args = {"ports": [port]}
        bound = converge(decode(PortFree, args), Reader(environ=NO_ENGINE), World(), None)
        holder.listen()
        held = converge(decode(PortFree, args), Reader(environ=NO_ENGINE), World(), None)
        with open("/proc/self/comm") as stream:
            name = stream.read().strip()
        allowed = converge(decode(PortFree, {**args, "allow_owner": name}), Reader(environ=NO_ENGINE), World(), None)
    assert (bound.status, held.status, allowed.status) == ("ok", "failed", "ok")
    assert held.result["taken"] == [port]
    assert f"port {port} is held by {name} (pid {os.getpid()})" in held.reason
