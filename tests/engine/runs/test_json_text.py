"""The text of logs is the one that Python's own encoder would write."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.runs.json_text import indented, indented_inside

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(st.dictionaries(st.text(), values))
def test_it_is_what_json_would_write(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    assert indented(value) == text
    assert indented(value, {key: indented_inside(inner) for key, inner in value.items()}) == text
