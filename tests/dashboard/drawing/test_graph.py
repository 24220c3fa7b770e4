"""What streamlit-agraph is given to draw."""

from __future__ import annotations

import json

from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_SECONDS


def _page() -> None:
    from dashboard.drawing.graph import GraphEdge, GraphNode, graph

    graph([GraphNode("<img src=x>", "A step", "#15803d", 0, 0)], [GraphEdge("<img src=x>", "<img src=x>")])


def test_no_id_is_shown_as_html() -> None:
    at = AppTest.from_function(_page, default_timeout=PATIENCE_SECONDS).run()
    assert not at.exception
    (drawn,) = at.get("component_instance")
    (box,) = json.loads(json.loads(drawn.proto.json_args)["data"])["nodes"]
    assert (box["label"], box["title"]) == ("A step", "")
