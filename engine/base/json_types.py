"""Names for the kinds of JSON that pass through the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]
"""An object with members that this program does not know: an author's, a service's or a model's."""
JsonSchema: TypeAlias = Mapping[str, Any]
"""A JSON Schema; `{}` accepts every value."""
