"""JSON text as values of a type, which msgspec reads; one thread at a time prepares a type.

msgspec 0.22 builds what it knows of a class when it first meets it, and other threads see that before it is complete:
two threads that read a type for the first time at once end the process with a segmentation fault.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec

_PREPARING = threading.Lock()
"""One for all types: they contain each other."""
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder_of(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a type, which is made at the first use. Raises TypeError for what msgspec cannot read.

    Once there is one, `msgspec.convert` to this type is safe, too.
    """
    found = _decoders.get(kind)
    if found is None:
        with _PREPARING:
            found = _decoders.get(kind) or _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return found
