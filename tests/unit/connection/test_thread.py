"""The agent in our own process."""

from __future__ import annotations

import threading
import time

import pytest

from nxtplay.connection.protocol import Job
from nxtplay.connection.thread import ThreadConnection
from nxtplay.errors import Unreachable


def test_it_may_be_closed_at_any_moment_of_its_start() -> None:
    """As an interruption does, from the main thread, while a worker sends the first task."""
    wrong: list[BaseException] = []

    def ask(connection: ThreadConnection) -> None:
        try:
            connection.request([Job("ping", {}, True)], on_event=lambda *_: None)
        except Unreachable:
            pass
        except BaseException as error:
            wrong.append(error)

    for number in range(150):
        connection = ThreadConnection()
        worker = threading.Thread(target=ask, args=(connection,))
        worker.start()
        time.sleep(number % 15 * 0.0001)
        connection.close()
        worker.join(10)
        assert not worker.is_alive()
    assert wrong == []


def test_closed_it_stays_closed() -> None:
    connection = ThreadConnection()
    connection.close()
    with pytest.raises(Unreachable):
        connection.request([Job("ping", {}, True)], on_event=lambda *_: None)
