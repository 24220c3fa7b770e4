"""Limits on what clients may send over WebSockets: how many frames, and how large a message."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_FRAMES, FRAMES_A_SECOND = 1_000, 100
"""A client that sends more frames, pings included, is disconnected: each frame takes time of the event loop."""
_PIECE = 4_096
"""How many bytes are read before the frames in them are counted; an empty frame has six."""
_SEND_ONLY_PATH = "/api/ws/"
"""Sockets that take no messages."""
_LARGEST_UNEXPECTED = 1_024
"""The largest message that is read before such a socket is closed, in bytes."""


def guarded_websocket(**arguments: Any) -> asyncio.Protocol:
    """Return uvicorn's protocol with these limits, for one connection.

    What it needs (2 MB) is imported at the first connection: a server whose pages nobody has opened does without it.
    """
    return _protocol()(**arguments)


@cache
def _protocol() -> type[WebSocketsSansIOProtocol]:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class GuardedWebSocket(WebSocketsSansIOProtocol):
        frames_left, counted_at = float(MOST_FRAMES), 0.0

        def data_received(self, data: bytes) -> None:
            for start in range(0, len(data), _PIECE):
                if not self.transport.is_closing():
                    super().data_received(data[start : start + _PIECE])
                    _answer_refused(self)

        def handle_connect(self, event: Any) -> None:
            if event.path.startswith(_SEND_ONLY_PATH):
                self.conn.max_message_size = _LARGEST_UNEXPECTED
                self.conn.available_extensions = None  # no compression: a few bytes could become many
            super().handle_connect(event)

        def handle_events(self) -> None:
            if self.is_allowed(len(self.conn.events)):
                super().handle_events()

        def is_allowed(self, frames: int) -> bool:
            """Count frames; return whether the client may continue. Otherwise the connection is closed."""
            now = self.loop.time()
            earned = (now - self.counted_at) * FRAMES_A_SECOND
            self.frames_left, self.counted_at = min(MOST_FRAMES, self.frames_left + earned) - frames, now
            if self.frames_left < 0:
                self.transport.abort()
            return self.frames_left >= 0

    return GuardedWebSocket


def _answer_refused(protocol: WebSocketsSansIOProtocol) -> None:
    """Send the answer to a request that is too long (414, 431), which uvicorn leaves behind; then hang up."""
    if protocol.conn.handshake_exc is None or protocol.handshake_initiated:
        return
    protocol.handshake_complete = protocol.close_sent = True
    protocol.transport.write(b"".join(protocol.conn.data_to_send()))
    protocol.transport.close()
