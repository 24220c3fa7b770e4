"""The job that is killed: 12 steps that read from one service and write to four."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from assurance.kill.counting import Counting

WORKFLOW = "job"
ONCE_A_RUN, ONCE_A_WRITE = ("accepted", "before end", "after end"), ("before effect", "after effect", "after record")
WRITES = ("issue", "page", "label", "post")
"""In the order in which a job makes them."""
POINTS = [(point, 1) for point in ONCE_A_RUN] + [(point, n) for point in ONCE_A_WRITE for n in (1, 2, 3, 4)]
"""Where a job is killed, and when it comes there for which time."""
FEW_POINTS = [
    *((point, 1) for point in ONCE_A_RUN),
    ("before effect", 1), ("after effect", 2), ("after record", 3), ("before effect", 4), ("after effect", 4),
]  # fmt: skip
"""Each of them once, and each write; the last write, which cannot be looked for, on both sides."""
STEPS = 12


def workflow(web: Counting, messages: Sequence[str]) -> dict[str, Any]:
    """12 steps: 3 reads, 4 writes of which one cannot be looked for, 5 without any effect."""

    def read(number: int) -> dict[str, Any]:
        fields = {"method": "GET", "url": web.url(f"/read-{number}?n={{{{ inputs.n }}}}")}
        return {"id": f"read_{number}", "uses": "http.request", "connection": "web", "with": fields}

    def note(number: int) -> dict[str, Any]:
        return {"id": f"note_{number}", "uses": "flow.set", "with": {"values": {"n": "{{ inputs.n }}"}}}

    name = "job {{ inputs.n }}"
    issue = {"repository": "acme/app", "title": name}
    page = {"database": "Tasks", "key": name, "title": name}
    label = {"message": f"{{{{ {json.dumps(list(messages))}[inputs.n % {len(messages)}] }}}}", "labels": ["triaged"]}
    post = {"method": "POST", "url": web.url("/post?n={{ inputs.n }}"), "json": {"n": "{{ inputs.n }}"}}
    steps = [
        note(1), read(1), {"id": "issue", "uses": "github.create_issue", "with": issue},
        note(2), {"id": "page", "uses": "notion.upsert_page", "with": page},
        note(3), read(2), {"id": "label", "uses": "gmail.add_labels", "with": label},
        note(4), {"id": "post", "uses": "http.request", "connection": "web", "with": post},
        read(3), note(5),
    ]  # fmt: skip
    for before, step in pairwise(steps):
        step["needs"] = [before["id"]]
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return {"schema_version": 1, "title": "Job", "inputs": inputs, "steps": steps}
