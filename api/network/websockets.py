"""WebSockets that take little from their clients: few frames, and small messages where they take none at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_FRAMES, FRAMES_A_SECOND = 1_000, 100
"""A client that sends more frames, pings included, is cut off: each of them takes the server's loop."""
_PIECE = 4_096
"""Bytes that are read before the frames in them are counted: empty ones have six."""
_SILENT_PATH = "/api/ws/"
_LARGEST_OF_SILENT = 1_024
"""Of a message to a socket that takes none."""


def guarded_websocket() -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with these limits."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class Guarded(WebSocketsSansIOProtocol):
        frames_left, counted_at = float(MOST_FRAMES), 0.0

        def data_received(self, data: bytes) -> None:
            for start in range(0, len(data), _PIECE):
                if not self.transport.is_closing():
                    super().data_received(data[start : start + _PIECE])
                    _answer_refused(self)

        def handle_connect(self, event: Any) -> None:
            if event.path.startswith(_SILENT_PATH):
                self.conn.max_message_size = _LARGEST_OF_SILENT
                self.conn.available_extensions = None  # no compression: a few bytes could become many
            super().handle_connect(event)

        def handle_events(self) -> None:
            if self.counted(len(self.conn.events)):
                super().handle_events()

        def counted(self, frames: int) -> bool:
            """Count frames; return whether the client may go on. Otherwise the connection is cut."""
            now = self.loop.time()
            earned = (now - self.counted_at) * FRAMES_A_SECOND
            self.frames_left, self.counted_at = min(MOST_FRAMES, self.frames_left + earned) - frames, now
            if self.frames_left < 0:
                self.transport.abort()
            return self.frames_left >= 0

    return Guarded


def _answer_refused(protocol: WebSocketsSansIOProtocol) -> None:
    """Send the answer to a request that is too long (414, 431), which uvicorn leaves behind; then hang up."""
    if protocol.conn.handshake_exc is None or protocol.handshake_initiated:
        return
    protocol.handshake_complete = protocol.close_sent = True
    protocol.transport.write(b"".join(protocol.conn.data_to_send()))
    protocol.transport.close()
