"""Where the paces of accounts are: in a file of one machine, or in the state; with a cache, on a Redis server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from clients.pacing.paces import Change, FilePaces, OwnPaces, Paces
from clients.service import install_command
from engine.base.errors import InvalidInput, StorageError
from engine.store.settings import Settings

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
_log = logging.getLogger(__name__)
_FILE = "paces.db"
_KEY = "pace:"
_REST_SECONDS = 5.0
"""How long a cache that does not answer is left alone."""
_ANSWER_SECONDS = 0.5  # calls of services wait for it; then what is behind the cache is asked
_KEPT_SECONDS = 24 * 3600  # since the last change: the cache forgets accounts that nobody uses


def opened_paces(folder: Path, settings: Settings, *, is_shared: bool, cache: str) -> Paces:
    """Return the paces of a workspace; `is_shared`: whether other machines have the same state.

    Raises InvalidInput if the driver of a cache is missing. A cache that does not answer is not an error.
    """
    paces: Paces = StatePaces(settings) if is_shared else FilePaces(folder / _FILE)
    if not cache:
        return paces
    try:
        import redis
    except ModuleNotFoundError as error:
        raise InvalidInput(
            "A cache needs its driver, redis, which is not installed.",
            remedy=f"Install it: `{install_command('redis')}`.",
        ) from error
    server = redis.Redis.from_url(
        cache, decode_responses=True, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
    )
    return CachedPaces(server, paces)


class StatePaces:
    """Paces in the state, for all processes that share it; while it does not answer, for this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._own = settings, OwnPaces()

    def get(self, account: str) -> str:
        """Return the pace of an account."""
        try:
            return self._settings.get(f"{_KEY}{account}")
        except StorageError:
            return self._own.get(account)

    def change(self, account: str, change: Change[T], *, is_hold: bool = False) -> T:
        """Change the pace of an account."""
        results: list[T] = []

        def changed(pace: str) -> str:
            after, result = change(pace)
            results.append(result)
            return after

        try:
            self._settings.change(f"{_KEY}{account}", changed)
        except StorageError:
            return self._own.change(account, change)
        return results[-1]


class CachedPaces:
    """Paces on a Redis server; while it does not answer or know a pace, they come from where they are without it.

    It may lose everything at any moment. So what a service has asked for (`is_hold`) is kept in both places.
    """

    def __init__(self, server: redis.Redis, behind: Paces, clock: Callable[[], float] = time.monotonic) -> None:
        self._server, self._behind, self._clock = server, behind, clock
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def get(self, account: str) -> str:
        """Return the pace of an account."""
        return self._asked(lambda: self._known(account, self._server.get(_KEY + account)), self._behind.get, account)

    def change(self, account: str, change: Change[T], *, is_hold: bool = False) -> T:
        """Change the pace of an account."""
        if is_hold:
            self._behind.change(account, change, is_hold=True)
        return self._asked(
            lambda: self._changed(account, change), lambda one: self._behind.change(one, change), account
        )

    def _known(self, account: str, pace: object) -> str:
        return self._behind.get(account) if pace is None else str(pace)

    def _changed(self, account: str, change: Change[T]) -> T:
        import redis

        with self._server.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(_KEY + account)  # type: ignore[no-untyped-call]
                    after, result = change(self._known(account, pipe.get(_KEY + account)))
                    pipe.multi()
                    pipe.set(_KEY + account, after, ex=_KEPT_SECONDS)
                    pipe.execute()
                except redis.WatchError:
                    continue  # another process has changed it meanwhile
                return result

    def _asked(self, ask: Callable[[], T], otherwise: Callable[[str], T], account: str) -> T:
        """Return what the server says, or if it does not, what is known without it."""
        import redis

        if self._clock() >= self._silent_until:
            try:
                return ask()
            except redis.RedisError as error:
                with self._lock:
                    if self._clock() >= self._silent_until:
                        _log.warning("the cache does not answer, and is not used for a while: %s", error)
                    self._silent_until = self._clock() + _REST_SECONDS
        return otherwise(account)
