"""Commands as processes, in a workspace of the test's own; engines, and a service that counts requests."""

from __future__ import annotations

from tests.cli.conftest import fresh, orchestra, start, workspace
from tests.engine.conftest import root, service

__all__ = ["fresh", "orchestra", "root", "service", "start", "workspace"]
