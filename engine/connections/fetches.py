"""Models that are being fetched to this machine, each in its own thread."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from clients.errors import ServiceError
from clients.service import FetchedModel
from engine.base.errors import OrchestraError, UnknownName
from engine.base.services import client_class, declaration

_log = logging.getLogger(__name__)


@dataclass
class ModelFetch:
    """A model on its way, or ended with success or an error."""

    model: FetchedModel
    arrived_bytes: int = 0
    error: OrchestraError | ServiceError | None = None
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def share(self) -> float:
        """How much of it has arrived, 0 to 1."""
        return min(1.0, self.arrived_bytes / self.model.download_bytes)

    def note(self, arrived_bytes: int) -> None:
        """Note the bytes that have arrived."""
        self.arrived_bytes = arrived_bytes


class ModelFetches:
    """What this process fetches; whoever asks for a model that is on its way waits for the same fetch."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], ModelFetch] = {}
        self._lock = threading.Lock()

    def begin(self, service: str, model: str) -> ModelFetch:
        """Begin to fetch a model, unless it is on its way. Raises UnknownName."""
        offered = {one.name: one for one in declaration(service).models}
        if model not in offered:
            raise UnknownName("model to fetch", model, [*offered])
        with self._lock:
            known = self._begun.get((service, model))
            if known is not None and not known.ended.is_set():
                return known
            fetch = self._begun[(service, model)] = ModelFetch(offered[model])
        threading.Thread(target=_fetch, args=(service, fetch), name="fetch-model", daemon=True).start()
        return fetch


def _fetch(service: str, fetch: ModelFetch) -> None:
    try:
        client_class(service).fetch_model(fetch.model.name, fetch.note)
    except (OrchestraError, ServiceError) as error:
        fetch.error = error
    except Exception as error:  # noqa: BLE001 - who waits must receive the error
        _log.exception("a model could not be fetched")
        fetch.error = OrchestraError(
            f"The model could not be fetched ({type(error).__name__}).", remedy="The server's own log has the details."
        )
    finally:
        fetch.ended.set()
