"""200 answers of ten model servers: the object, or the true reason, and no second question that cannot help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.errors import ServiceError
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from engine.base.clock import utc_now
from engine.base.statuses import AccountMode
from engine.base.threads import WorkerThreads
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.record.run_files import RunFiles, RunFolder
from engine.runner.effects.job import Attempt, Job
from engine.runner.effects.reading import AccountReads
from engine.steps.llm.extract import Extract
from engine.store.blobs.disk import DiskBlobs
from tests.clients.conftest import Scripted, scripted, start_scripted
from tests.engine.steps.llm.model_servers import OBJECTS, SCHEMA, SERVERS, Case, cases

__all__ = ["scripted", "start_scripted"]
CASES = {case.name: case for case in cases()}
FIELDS = Extract.fields.model_validate({"messages": [{"role": "user", "content": "Pay."}], "schema": SCHEMA})
WORKERS = WorkerThreads("model", 2)


def extracted(url: str, http: httpx.Client) -> Any:
    """What a step gets from this server, with the attempts that a step has, but without the pauses between them."""
    client = OpenAIClient(OpenAISettings(base_url=url, model="m-7b"), http)
    failed: list[Attempt] = []
    job = Job(
        step_type=Extract(),
        make_fields=lambda: FIELDS,
        repeat=None,
        retry=Retry(attempts=3, backoff_seconds=0.0),
        timeout_seconds=60.0,
        account=Account("llm", "openai", AccountMode.MINE, client, WORKERS),
        prompts={},
        render=lambda _prompt, _variables: [],
        on_attempt=failed.append,
        files=RunFiles(RunFolder(DiskBlobs(Path()), "run-1")),
    )
    return asyncio.run(AccountReads(utc_now).make(job)).output


def test_all_forms_are_here() -> None:
    assert len(SERVERS) == 10
    assert len(CASES) == len([*cases()]) >= 200
    given = " ".join(CASES)
    assert [name for name in OBJECTS if f": {name}" not in given] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_is_the_object_or_the_true_reason(scripted: Scripted, http: httpx.Client, case: Case) -> None:
    scripted.then(case.status, case.body)
    expected = case.expected
    if expected.error is None:
        assert extracted(scripted.url, http) == expected.value
    else:
        with pytest.raises(ServiceError) as caught:
            extracted(scripted.url, http)
        assert type(caught.value) is expected.error
        assert expected.says in f"{caught.value.message} {caught.value.remedy}"
    assert sum(seen.method == "POST" for seen in scripted.seen) == expected.questions
