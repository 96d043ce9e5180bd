"""What a command in a container prints is complete, however the engine's answer is cut into packets."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nxtplay.core.converge import converge
from nxtplay.core.host import Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules.docker_container_exec import DockerContainerExec

HEAD = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
PIECES = st.lists(st.tuples(st.sampled_from((1, 2)), st.binary(min_size=1, max_size=300)), max_size=4)


class Engine(threading.Thread):
    """Answers what one exec asks of an engine; `cuts` are the places at which the answer is cut in two packets or more."""

    def __init__(self, path: str, answer: bytes, cuts: list[int]) -> None:
        super().__init__(daemon=True)
        self.answer, self.cuts, self.got = answer, cuts, b""
        self.told = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while request := stream.readline():
                sizes = [int(line.split(b":")[1]) for line in iter(stream.readline, b"\r\n") if line.lower().startswith(b"content-length")]
                stream.read(sum(sizes))
                path = request.split()[1].decode()
                if path.endswith("/start"):
                    self.tell(client, stream)
                    return
                said: Any = {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Id": "e1", "ExitCode": 0, "State": {"Running": True}}
                body = json.dumps(said).encode()
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def tell(self, client: socket.socket, stream: Any) -> None:
        at = 0
        for cut in (*self.cuts, len(self.answer)):
            client.sendall(self.answer[at:cut])
            at = cut
            time.sleep(0.01)
        client.shutdown(socket.SHUT_WR)
        self.got = stream.read()
        self.told.set()


@pytest.mark.parametrize("stdin", [None, "said to it"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES, cuts=st.lists(st.integers(0, 400), max_size=2), tty=st.booleans())
def test_nothing_is_lost(tmp_path: Path, stdin: str | None, pieces: list[tuple[int, bytes]], cuts: list[int], tty: bool) -> None:
    framed = b"".join(data if tty else struct.pack(">BxxxL", number, len(data)) + data for number, data in pieces)
    answer = HEAD + framed
    path = str(tmp_path / f"{time.monotonic_ns()}.sock")
    engine = Engine(path, answer, sorted(min(cut, len(answer)) for cut in cuts))
    engine.start()
    args = {"container": "c", "argv": ["x"], "docker_host": f"unix://{path}", "tty": tty, "strip_empty_ends": False}
    args |= {} if stdin is None else {"stdin": stdin, "stdin_add_newline": False}
    permit = Host(World())
    done = converge(decode(DockerContainerExec, args), permit, World(), permit)
    engine.listener.close()
    expected = {number: b"".join(data for one, data in pieces if tty or one == number) for number in (1, 2)}
    assert done.status == "changed", done.reason
    assert done.result["stdout"].encode("utf-8", "surrogateescape") == expected[1]
    assert done.result["stderr"].encode("utf-8", "surrogateescape") == (b"" if tty else expected[2])
    if stdin is not None:
        assert engine.told.wait(10)
        assert engine.got == stdin.encode()
