"""The smallest model says that it is unsure where it cannot tell: the real one, with the cases of `classify-mail`."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MatrixColumn, MatrixRequest

OWNER = Principal("tester", "owner", confirmed=True)
NAME = "classify-mail"
SHIPPED = Path(__file__).resolve().parents[2] / "prompts"
HOURS = 3_600.0


def variants() -> list[str]:
    """The shipped prompt without the free texts, which take most of the time; and the same, to be sure."""
    document: dict[str, Any] = json.loads((SHIPPED / f"{NAME}.json").read_text())
    schema = document["output_schema"]
    schema["required"], schema["properties"] = ["kind"], {"kind": schema["properties"]["kind"]}
    document.pop("labels")
    document["parameters"] = {"temperature": 0, "max_tokens": 60}
    return [json.dumps(document), json.dumps({**document, "sure_at_least": 0.8})]


def wrong(column: MatrixColumn) -> int:
    return len(column["cells"]) - column["passed"] - column["unsure"]


@pytest.mark.slow
@pytest.mark.usefixtures("packages")
def test_at_least_half_of_what_the_smallest_model_gets_wrong_becomes_unsure(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(SHIPPED / f"{NAME}.cases", workspace / "prompts" / f"{NAME}.cases")
    text, sure = variants()
    (workspace / "prompts" / f"{NAME}.json").write_text(text)
    (workspace / "config.yaml").write_text(yaml.safe_dump({"connections": {"small": {"service": "local_model"}}}))
    with closing(Orchestra(workspace)) as orchestra:
        columns = [TriedColumn(text=text, text_name="as it is"), TriedColumn(text=sure, text_name="sure at least 0.8")]
        tests = orchestra.case_tests
        begun = tests.start(OWNER, NAME, MatrixRequest(columns, concurrency=1))
        found = tests.wait(OWNER, NAME, HOURS, begun["id"])
    before, after = found["columns"]
    for one in found["columns"]:
        sys.stdout.write(f"{one['title']}: {one['passed']} passed, {one['unsure']} unsure, {wrong(one)} wrong\n")
    sys.stdout.write(f"{found['asked']} questions, {found['usage']}\n")
    assert len(after["cells"]) == 20
    assert all(answer["text"] for cell in after["cells"].values() for answer in cell)
    assert wrong(before) > 10, "this model cannot do it"
    assert wrong(after) <= wrong(before) / 2
