"""Models that are being fetched to this machine, each in its own thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from clients.errors import ServiceError
from clients.models.served import is_model_name
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.services import client_class, declaration
from engine.connections.local_models import OLLAMA, local_servers

_log = logging.getLogger(__name__)


class _Cancelled(Exception):
    """The fetch was cancelled."""


@dataclass
class ModelFetch:
    """A model on its way, or ended: whole, with an error, or cancelled."""

    name: str
    title: str
    whole_bytes: int = 0
    """0 as long as nobody knows."""
    arrived_bytes: int = 0
    error: OrchestraError | ServiceError | None = None
    is_cancelled: bool = False
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def state(self) -> Literal["fetching", "done", "failed", "cancelled"]:
        """How it stands."""
        if self.error is not None:
            return "failed"
        if self.is_cancelled:
            return "cancelled"
        return "done" if self.ended.is_set() else "fetching"

    @property
    def share(self) -> float:
        """How much of it has arrived, 0 to 1."""
        return min(1.0, self.arrived_bytes / self.whole_bytes) if self.whole_bytes else 0.0

    def note(self, arrived_bytes: int, whole_bytes: int = 0) -> None:
        """Note the bytes that have arrived, and those to come if only now known; ends a cancelled fetch."""
        if self.is_cancelled:
            raise _Cancelled
        self.arrived_bytes, self.whole_bytes = arrived_bytes, whole_bytes or self.whole_bytes

    def cancel(self) -> None:
        """End it at its next progress; what has arrived is used when the model is asked for again."""
        self.is_cancelled = True


class ModelFetches:
    """What this process fetches; whoever asks for a model that is on its way waits for the same fetch."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], ModelFetch] = {}
        self._lock = threading.Lock()

    def begin(self, source: str, model: str) -> ModelFetch:
        """Begin to fetch a model, unless it is on its way.

        `source`: a service that runs models on this machine, or the address of an Ollama that is found there now.
        Raises UnknownName, InvalidInput.
        """
        fetch, work = _pulled(source, model) if "://" in source else _offered(source, model)
        with self._lock:
            known = self._begun.get((source, model))
            if known is not None and not known.ended.is_set() and not known.is_cancelled:
                return known
            self._begun[(source, model)] = fetch
        threading.Thread(target=_fetch, args=(fetch, work), name="fetch-model", daemon=True).start()
        return fetch

    def of(self, source: str, model: str) -> ModelFetch:
        """Return the latest fetch of a model from this source in this process. Raises UnknownName."""
        with self._lock:
            known = self._begun.get((source, model))
            others = [one for of, one in self._begun if of == source]
        if known is None:
            raise UnknownName("fetch of the model", model, others, remedy="Begin one first.")
        return known


def _offered(service: str, model: str) -> tuple[ModelFetch, Callable[[], None]]:
    offered = {one.name: one for one in declaration(service).models}
    if model not in offered:
        raise UnknownName("model to fetch", model, [*offered])
    fetch = ModelFetch(model, offered[model].title, offered[model].download_bytes)
    return fetch, lambda: client_class(service).fetch_model(model, fetch.note)


def _pulled(base_url: str, model: str) -> tuple[ModelFetch, Callable[[], None]]:
    if not is_model_name(model):
        raise InvalidInput(
            "This is not the name of a model.", remedy="Enter a name from https://ollama.com/library: llama3.2:3b."
        )
    found = [one.base_url for one in local_servers() if one.kind == OLLAMA]
    if base_url not in found:
        raise InvalidInput(f"No Ollama of this machine answers at {base_url}.", remedy="Start Ollama, then ask again.")
    fetch = ModelFetch(model, model)

    def work() -> None:
        from clients.models.ollama_pull import pull
        from clients.transport import http_client, origin

        with http_client() as http:
            pull(http, origin(base_url), model, fetch.note)

    return fetch, work


def _fetch(fetch: ModelFetch, work: Callable[[], None]) -> None:
    try:
        work()
    except _Cancelled:
        pass
    except (OrchestraError, ServiceError) as error:
        fetch.error = error
    except Exception as error:  # noqa: BLE001 - who waits must receive the error
        _log.exception("a model could not be fetched")
        fetch.error = OrchestraError(
            f"The model could not be fetched ({type(error).__name__}).", remedy="The server's own log has the details."
        )
    finally:
        fetch.ended.set()
