"""Why no connection to a server could be opened, in words instead of the numbers of the operating system."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def no_connection(error: BaseException, host: str, port: int) -> tuple[str, str]:
    """Return why nobody was reached at a host and port, and what to do next; both are sentences."""
    found = list(causes(error))
    if any(isinstance(one, socket.gaierror) for one in found):
        return f"The name {host} is not known.", "Check its spelling, and that this machine is online."
    if any(isinstance(one, ConnectionRefusedError) for one in found):
        return f"Nothing answers at {host}:{port}.", "Check the address."
    if any(isinstance(one, OSError) and one.errno in _NO_WAY for one in found):
        return f"There is no way from this machine to {host}.", "Check the address, and that this machine is online."
    return f"No connection to {host}:{port} could be opened.", "Check the address, or try again later."


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, each once."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
