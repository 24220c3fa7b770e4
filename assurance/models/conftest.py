"""The small model on this machine, as the tests of its client have it."""

from tests.clients.local_model.conftest import cache, client, packages

__all__ = ["cache", "client", "packages"]
