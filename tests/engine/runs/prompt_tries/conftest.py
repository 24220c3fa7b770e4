"""A workspace with a model that is asked over HTTP, and a prompt."""

from tests.engine.budgets.conftest import Desk, desk

__all__ = ["Desk", "desk"]
