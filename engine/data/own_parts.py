"""Converts the client errors of a workspace's own tables, collections and files, which are not services to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clients.errors import InvalidRequest, ServiceError
from engine.base.errors import InvalidInput, StorageError


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise InvalidInput for a request that cannot be done, and StorageError for any other error of a client."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidInput(error.message, remedy=error.remedy) from error
    except ServiceError as error:
        raise StorageError(error.message, remedy=error.remedy) from error
