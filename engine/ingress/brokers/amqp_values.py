"""Read what senders of AMQP may write against the protocol, so that no message costs the connection.

RabbitMQ does not check that strings are UTF-8 or that times exist, and aiormq closes the connection at a value that it
cannot decode: the message comes back with the next connection, and so on without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

UNREADABLE = "orchestra-unreadable"
"""The only header of a message whose headers cannot be decoded: why."""

_Read = Callable[..., tuple[int, Any]]


def accept_any() -> None:
    """Make pamqp decode any short string, table and time, in this whole process; the second call changes nothing."""
    from pamqp import decode

    for kind, strict, instead in (
        ("shortstr", decode.short_str, _text),
        ("table", decode.field_table, _no_table),
        ("timestamp", decode.timestamp, _no_time),
    ):
        if decode.METHODS[kind] is strict:
            decode.METHODS[kind] = _tolerant(strict, instead)


def _tolerant(read: _Read, instead: Callable[[bytes, Exception], tuple[int, Any]]) -> _Read:
    def tolerant(value: bytes) -> tuple[int, Any]:
        try:
            return read(value)
        except Exception as error:  # noqa: BLE001 - as tables nested too deep, or a time after the year 9999
            return instead(value, error)

    return tolerant


def _text(value: bytes, _: Exception) -> tuple[int, str]:
    """Bytes that are not UTF-8 stay distinct: two ids must not become one."""
    end = 1 + int.from_bytes(value[:1])  # one byte of length, then the text (AMQP 0-9-1, 4.2.5.3)
    return end, value[1:end].decode(errors="backslashreplace")


def _no_table(value: bytes, error: Exception) -> tuple[int, dict[str, str]]:
    # four bytes of length, then the fields (AMQP 0-9-1, 4.2.5.5)
    return 4 + int.from_bytes(value[:4]), {UNREADABLE: f"{type(error).__name__}: {error}"}


def _no_time(_value: bytes, _error: Exception) -> tuple[int, None]:
    return 8, None
