"""Downloads a model to an Ollama, which says line by line how far it is.

Source: https://docs.ollama.com/api/pull: each line is a JSON object with `status`, for a part of the model also
`digest`, `total` and `completed`, or with `error`; the last `status` is `success`. A download that was cut off goes on
when it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from clients.errors import InvalidRequest, NotFound, ServiceError, Unavailable
from clients.models.loose_json import strict_json
from clients.transport import AS_IT_IS, CONNECT_SECONDS, FILE_BYTES

_SERVICE = "Ollama"
SILENCE_SECONDS = 60.0
"""A server that sends nothing for so long is given up."""
_LINE_BYTES = 65_536
_PARTS_MOST = 1_000
_SIZE_MOST = 1 << 50
_SAID_MOST = 300
_MISSING = ("file does not exist", "manifest unknown", "invalid model name")
_FULL = ("no space left", "not enough space")
_GO_ON = "Ask again: Ollama goes on where it stopped."

OnPull = Callable[[int, int], object]
"""Takes the bytes that have arrived, and those of all parts that Ollama has named so far."""


def pull(
    http: httpx.Client, origin: str, model: str, on_progress: OnPull, silence_seconds: float = SILENCE_SECONDS
) -> None:
    """Download a model; blocking. What `on_progress` raises ends the request.

    Raises NotFound (no such model), InvalidRequest (its disk is full) and Unavailable.
    """
    request = http.build_request(
        "POST",
        f"{origin}/api/pull",
        json={"model": model, "stream": True},
        timeout=httpx.Timeout(silence_seconds, connect=CONNECT_SECONDS),
        # By lines as they come; what errors say of them is redacted there.
        extensions={"most_bytes": FILE_BYTES, AS_IT_IS: True},
    )
    try:
        answer = http.send(request, stream=True)
        try:
            _follow(answer, model, on_progress)
        finally:
            answer.close()
    except httpx.TimeoutException as error:
        raise _cut(f"Ollama has sent nothing for {silence_seconds:.0f} seconds.") from error
    except httpx.HTTPError as error:
        raise _cut("The connection to Ollama broke off.") from error


def _follow(answer: httpx.Response, model: str, on_progress: OnPull) -> None:
    parts: dict[str, tuple[int, int]] = {}
    for line in _lines(answer):
        if "error" in line or answer.status_code != httpx.codes.OK:
            raise _failure(model, str(line.get("error") or f"HTTP {answer.status_code}"))
        if line.get("status") == "success":
            return
        digest, total = line.get("digest"), _count(line.get("total"))
        if isinstance(digest, str) and total and (digest in parts or len(parts) < _PARTS_MOST):
            parts[digest] = min(_count(line.get("completed")), total), total
        on_progress(sum(one for one, _ in parts.values()), sum(one for _, one in parts.values()))
    raise _cut("The connection to Ollama broke off.")


def _lines(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the objects of the lines. Raises Unavailable for anything else."""
    kept = b""
    for piece in answer.iter_bytes():
        *whole, kept = (kept + piece).split(b"\n")
        yield from map(_object, filter(bytes.strip, whole))
        if len(kept) > _LINE_BYTES:
            raise _strange()
    if kept.strip():
        yield _object(kept)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = strict_json(line.decode()) if len(line) <= _LINE_BYTES else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _strange()
    return found


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value <= _SIZE_MOST else 0


def _failure(model: str, said: str) -> ServiceError:
    lower = said.lower()
    if any(one in lower for one in _MISSING):
        return NotFound(
            f"Ollama finds no model named {model!r}.",
            service=_SERVICE,
            remedy="Names are at https://ollama.com/library, such as llama3.2:3b.",
        )
    if any(one in lower for one in _FULL):
        return InvalidRequest(
            "The disk of Ollama is full.", service=_SERVICE, remedy="Free space on it, then ask again: Ollama goes on."
        )
    told = "".join(one if one.isprintable() else " " for one in said[:_SAID_MOST])
    return Unavailable(f"Ollama could not download the model: {told}", service=_SERVICE, remedy=_GO_ON)


def _strange() -> Unavailable:
    remedy = "Check that an Ollama answers at this address."
    return Unavailable("The server answers in another way than Ollama.", service=_SERVICE, remedy=remedy)


def _cut(said: str) -> Unavailable:
    return Unavailable(said, service=_SERVICE, remedy=_GO_ON)
