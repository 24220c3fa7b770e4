"""Metrics: what happened is counted where it happens, and what there is is read when it is asked for."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from engine.base.clock import timestamp, utc_now
from engine.metrics import workspace
from engine.observing.tally import Histogram
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.store.load import Load
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

VIEWER = Principal("prometheus", "viewer")


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "_FRESH_SECONDS", -1.0)


def samples(orchestra: Orchestra) -> Mapping[str, float]:
    """Each sample by its name with labels, as one writes it in a query: `orchestra_open_runs{status="queued"}`."""
    text = orchestra.metrics.page(VIEWER).content.decode()
    return dict(_samples(text))


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(one.labels.items()))
            yield (f"{one.name}{{{labels}}}" if labels else one.name), one.value


def test_runs_steps_and_attempts_are_counted(orchestra: Orchestra, run: Run, service: Service) -> None:
    service.answers["/a"] = [503]
    retry = {"attempts": 2, "backoff_seconds": 0.01}
    document = run([set_step("one"), get_step("two", service.url("/a"), retry=retry)])
    assert document["status"] == "succeeded"
    service.answers["/b"] = [400]
    assert run([get_step("three", service.url("/b"))])["status"] == "failed"
    found = samples(orchestra)
    assert found["orchestra_runs_begun_total"] == found["orchestra_claims_total"] == 2
    assert found['orchestra_runs_ended_total{status="succeeded"}'] == 1
    assert found['orchestra_runs_ended_total{status="failed"}'] == 1
    assert found['orchestra_runs_ended_total{status="cancelled"}'] == 0, (
        "a counter begins with 0, else no rate is known"
    )
    assert found['orchestra_step_calls_total{outcome="succeeded",step_type="flow.set"}'] == 1
    assert found['orchestra_step_calls_total{outcome="succeeded",step_type="http.request"}'] == 1
    assert found['orchestra_step_calls_total{outcome="failed",step_type="http.request"}'] == 1
    assert found['orchestra_step_failed_attempts_total{step_type="http.request"}'] == 2
    assert found['orchestra_step_duration_seconds_count{step_type="http.request"}'] == 2
    buckets = [value for name, value in found.items() if re.search(r'_bucket.*type="http.request"', name)]
    assert buckets == sorted(buckets), "each bucket has those of the smaller ones, too"
    assert buckets[-1] == 2
    assert 0.01 < found['orchestra_step_duration_seconds_sum{step_type="http.request"}'] < PATIENCE_SECONDS


def test_a_wait_is_no_time_of_a_call(orchestra: Orchestra, root: Path) -> None:
    wait = {"id": "wait", "uses": "flow.wait", "with": {"seconds": 0.3}}
    write_workflow(root, "work", [wait, set_step("then")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    found = samples(orchestra)
    assert not [name for name in found if "flow.wait" in name]


def test_a_resumed_run_counts_for_the_person(orchestra: Orchestra, run: Run, service: Service) -> None:
    service.answers["/a"] = [400]
    document = run([get_step("one", service.url("/a"))])
    orchestra.runs.resume(OWNER, document["run_id"])
    orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    found = samples(orchestra)
    assert found['orchestra_runs_resumed_total{by="person"}'] == 1
    assert found['orchestra_runs_ended_total{status="succeeded"}'] == 1


def test_the_queue_is_read_from_the_state(orchestra: Orchestra, root: Path, run: Run) -> None:
    run([set_step("one")])
    before = samples(orchestra)
    assert before['orchestra_queue_runs{queue="ready"}'] == before['orchestra_queue_oldest_seconds{queue="ready"}'] == 0
    old = timestamp(utc_now() - timedelta(minutes=10))
    with sqlite3.connect(root / ".orchestra" / "state.db") as connection:
        connection.execute(
            "UPDATE runs SET status = 'queued', ended_at = NULL, started_at = NULL, queued_at = ?, owner = 'a'", (old,)
        )
    after = samples(orchestra)
    assert after['orchestra_queue_runs{queue="ready"}'] == after['orchestra_open_runs{status="queued"}'] == 1
    assert 600 <= after['orchestra_queue_oldest_seconds{queue="ready"}'] < 600 + PATIENCE_SECONDS
    assert after['orchestra_queue_runs{queue="in_line"}'] == 0


def test_a_process_counts_while_its_lease_is_good(orchestra: Orchestra, root: Path) -> None:
    assert samples(orchestra)['orchestra_processes{kind="cli"}'] == 1
    assert samples(orchestra)['orchestra_processes{kind="worker"}'] == 0
    silent = timestamp(utc_now() - timedelta(seconds=60))
    with sqlite3.connect(root / ".orchestra" / "state.db") as connection:
        connection.execute("INSERT INTO owners VALUES ('worker-1', 1, 'worker', ?, ?, 30, '', 5, 0)", (silent, silent))
        connection.execute(
            "INSERT INTO owners VALUES ('worker-2', 1, 'worker', ?, ?, 3000, '', 5, 0)", (silent, silent)
        )
    assert samples(orchestra)['orchestra_processes{kind="worker"}'] == 1


def test_one_that_only_accepts_messages_is_no_worker(orchestra: Orchestra, root: Path) -> None:
    with closing(Orchestra.open(root, slots=0)):
        found = samples(orchestra)
    assert (found['orchestra_processes{kind="worker"}'], found['orchestra_processes{kind="cli"}']) == (0, 2)


def test_both_formats_are_valid_and_every_metric_says_what_it_is(orchestra: Orchestra, run: Run) -> None:
    run([set_step("one")])
    plain = orchestra.metrics.page(VIEWER)
    assert plain.media_type.startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(plain.content.decode()))
    assert all(one.documentation.endswith(".") for one in families if one.name.startswith("orchestra_"))
    modern = orchestra.metrics.page(VIEWER, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert modern.media_type.startswith("application/openmetrics-text; version=1.0.0")
    found = openmetrics.text_string_to_metric_families(modern.content.decode())  # type: ignore[no-untyped-call]
    assert {one.name for one in found} >= {"orchestra_claims", "orchestra_open_runs"}


def test_no_label_tells_an_account_a_title_or_a_value(orchestra: Orchestra, run: Run, service: Service) -> None:
    run([post_step("one", service.url("/secret-path"), title="Quarterly figures")], {}, title="The secret plan")
    text = orchestra.metrics.page(VIEWER).content.decode()
    assert "http.request" in text
    assert not re.search(r"127\.0\.0\.1|secret|Quarterly|tester", text)


def test_a_part_that_cannot_be_read_is_left_out_and_said_to_be(orchestra: Orchestra, root: Path) -> None:
    assert samples(orchestra)['orchestra_unreadable{part="load"}'] == 0
    with sqlite3.connect(root / ".orchestra" / "state.db") as connection:
        connection.execute("ALTER TABLE owners RENAME TO lost")
    found = samples(orchestra)
    assert found['orchestra_unreadable{part="load"}'] == 1
    assert 'orchestra_open_runs{status="queued"}' not in found
    assert "orchestra_claims_total" in found


def test_readings_of_the_state_are_shared_for_a_second(
    orchestra: Orchestra, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "_FRESH_SECONDS", 1.0)
    loads, asked = orchestra._families.opened.state.loads, Counter[str]()
    now = loads.now

    def counted() -> Load:
        asked["now"] += 1
        return now()

    monkeypatch.setattr(loads, "now", counted)
    samples(orchestra)
    samples(orchestra)
    assert asked["now"] == 1


def test_a_duration_at_the_end_of_a_bucket_belongs_to_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.5):
        histogram.add(seconds)
    assert histogram.counts == [2, 1, 1]
    assert histogram.sum_seconds == 5.5
