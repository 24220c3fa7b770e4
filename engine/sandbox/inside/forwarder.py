"""Inside the sandbox: hands connections to 127.0.0.1 on to the socket of the proxy outside (code/proxy.py)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

PORT = 3128  # the default of Squid, and customary for proxies
_PIECE = 65536
_WAITING = 64


def listen() -> socket.socket:
    """Return a socket on which programs inside find the proxy: from here on they may connect."""
    listener = socket.create_server(("127.0.0.1", PORT), backlog=_WAITING)
    listener.settimeout(0)
    return listener


def forward(listener: socket.socket, proxy: str) -> None:
    """Hand on what comes to a listener, in a thread that ends with this process."""
    threading.Thread(target=lambda: asyncio.run(_serve(listener, proxy)), daemon=True).start()


async def _serve(listener: socket.socket, proxy: str) -> None:
    async def handed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            outside = await asyncio.open_unix_connection(proxy)
            await asyncio.gather(_pumped(reader, outside[1]), _pumped(outside[0], writer))

    server = await asyncio.start_server(handed_on, sock=listener)
    await server.serve_forever()


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()
