"""A TCP proxy that keeps every piece for half a round trip: `delay.py PORT TARGET_PORT MILLISECONDS COUNT_FILE`.

Counts round trips: how often the client spoke again after it had been answered. At SIGTERM the count is written to COUNT_FILE.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path


class Counter:
    """Turns of one connection after the other."""

    def __init__(self) -> None:
        self.turns = 0


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, told: list[bool], counter: Counter | None
) -> None:
    """One direction. `told[0]`: the client has heard something since it last spoke; only the client's side has a `counter`."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                writer.close()
                return
            if counter is None:
                told[0] = True
            writer.write(data)
            await writer.drain()

    delivery = loop.create_task(deliver())
    try:
        while True:
            data = await reader.read(1 << 18)
            if counter is not None and data and told[0]:
                counter.turns += 1
                told[0] = False
            waiting.put_nowait((loop.time() + seconds, data))
            if not data:
                break
        await delivery
    except (ConnectionError, RuntimeError):
        writer.close()
        delivery.cancel()


async def serve(port: int, target: int, milliseconds: float, count: Path) -> None:
    """Until SIGTERM."""
    counter = Counter()
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", target)
        for stream in (writer, back):
            stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        told = [True]
        half = milliseconds / 2000
        await asyncio.gather(_pass_on(reader, back, half, told, counter), _pass_on(onward, writer, half, told, None))

    async with await asyncio.start_server(accept, "127.0.0.1", port):
        await over.wait()
    count.write_text(str(counter.turns))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
