"""Logging in by SSH, where a server is too quick or too slow to be had on demand."""

from __future__ import annotations

import threading
import time
from typing import Any

from nxtplay.connection.ssh import connect


class Quick:
    """A way to a server whose answer is there before the request has returned."""

    auth_timeout = 3.0
    server_mode = False

    def __init__(self, answer: str) -> None:
        self.lock = threading.Lock()
        self.handler = connect._class().get_auth_handler(self)
        self.saved_exception: Any = None
        self._answer = answer

    def _send_message(self, message: Any) -> None:
        if self._answer == "yes":
            self.handler._parse_userauth_success(message)
        else:
            self.handler.abort()

    def _auth_trigger(self) -> None:
        pass

    def _log(self, *words: Any) -> None:
        pass

    def is_active(self) -> bool:
        return True

    def get_exception(self) -> Any:
        return self.saved_exception


def test_an_answer_that_comes_at_once_is_heard() -> None:
    began = time.monotonic()
    assert Quick("yes").handler.auth_password("root", "secret") == []
    assert time.monotonic() - began < 2


def test_a_refusal_that_comes_at_once_is_heard_and_does_not_count_for_the_next_attempt() -> None:
    server = Quick("no")
    for _ in range(2):
        began = time.monotonic()
        try:
            server.handler.auth_password("root", "secret")
        except connect.paramiko().AuthenticationException as error:
            assert "timeout" not in str(error).lower()
        else:
            raise AssertionError("nobody was let in")
        assert time.monotonic() - began < 2
    server._answer = "yes"
    assert server.handler.auth_password("root", "secret") == []
