"""The dashboard and the alerts name metrics that exist, and a real Prometheus reads them as the documentation says."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from starlette.testclient import TestClient

from api.network.request_counts import RequestCounts
from api.server import create_api
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.docs.test_commands import unknown
from tests.engine.conftest import OWNER, Service, get_step, root, service, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until

__all__ = ["root", "service"]

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")


@pytest.fixture
def orchestra(root: Path, service: Service) -> Iterator[Orchestra]:
    """A workspace in which something of every kind has happened."""
    with (root / "config.yaml").open("a") as config:
        config.write("budgets: {day: {usd: 5}}\n")
    (root / "drop").mkdir()
    trigger = {"id": "dropped", "uses": "folder.new_file", "with": {"path": "drop"}}
    write_workflow(root, "watcher", [set_step("one")], triggers=[trigger])
    service.answers["/a"] = [400]
    write_workflow(root, "work", [set_step("one"), get_step("two", service.url("/a"))])
    opened = Orchestra.open(root)
    opened.triggers.turn_on(OWNER, "watcher", "dropped", Start())
    opened.runs.wait(OWNER, opened.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    with TestClient(RequestCounts(create_api(lambda: opened), lambda: opened.tally.requests)) as client:
        client.get("/health")
        client.get("/api/runs")
    yield opened
    opened.close()


@pytest.fixture
def samples(orchestra: Orchestra) -> list[Sample]:
    """What `/metrics` tells."""
    text = orchestra.metrics.page(Principal("prometheus", "viewer")).content.decode()
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def expressions() -> Mapping[str, str]:
    """Every query that we ship, by where it is."""
    dashboard = json.loads((DEPLOY / "grafana" / "ai-orchestra.json").read_text())
    found = {
        f"{one['title']} {query['refId']}": query for one in dashboard["panels"] for query in one.get("targets", ())
    }
    return {
        **{
            place: query["expr"].replace("$__rate_interval", "5m").replace("$job", ".*")
            for place, query in found.items()
        },
        **{rule["alert"]: rule["expr"] for rule in rules()},
    }


def matched(samples: list[Sample], name: str, matchers: str) -> list[Sample]:
    """The samples that a selector finds; those of the scrape itself (`job`) are not known here."""
    wanted = re.findall(r'(\w+)(=~?)"([^"]*)"', matchers)
    plain = [(label, re.escape(value) if sign == "=" else value) for label, sign, value in wanted if label != "job"]
    named = [one for one in samples if one.name == name]
    return [one for one in named if all(re.fullmatch(value, one.labels.get(label, "")) for label, value in plain)]


def test_every_metric_label_and_value_of_dashboard_and_alerts_exists(samples: list[Sample]) -> None:
    for place, expression in expressions().items():
        selectors = re.findall(r"\b((?:orchestra|process)_\w+)(\{[^}]*\})?", expression)
        assert selectors, place
        for name, matchers in selectors:
            assert matched(samples, name, matchers), f"{place}: {name}{matchers}"
        labels = {
            label for name, matchers in selectors for one in matched(samples, name, matchers) for label in one.labels
        }
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= labels | {"instance"}, place


def test_no_metric_is_left_out_of_the_documentation(samples: list[Sample]) -> None:
    page = (DEPLOY.parent / "docs" / "observability.md").read_text()
    names = {
        re.sub("_(bucket|sum|count|created)$", "", one.name) for one in samples if one.name.startswith("orchestra_")
    }
    assert sorted(name for name in names if f"`{name}`" not in page) == []
    told = set(re.findall(r"`(orchestra_\w+)`", page))
    assert sorted(told - names) == [], "there is no such metric"


def test_the_commands_that_alerts_name_exist() -> None:
    written = [one for rule in rules() for one in re.findall("`orchestra ([^`]*)`", str(rule["annotations"]))]
    assert len(written) >= 5
    assert [one for one in written if unknown(one.split())] == []


@needs_promtool
def test_every_query_is_one_that_prometheus_understands(tmp_path: Path) -> None:
    records = [{"record": f"query_{n}", "expr": text} for n, text in enumerate(expressions().values())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    assert_accepts("check", "rules", file)
    assert_accepts("check", "rules", ALERTS)


@needs_promtool
def test_each_alert_is_raised_by_what_it_waits_for_and_by_nothing_else() -> None:
    assert_accepts("test", "rules", Path(__file__).with_name("alerts_test.yaml"))
    tried = set(re.findall(r'alertname="(\w+)"', Path(__file__).with_name("alerts_test.yaml").read_text()))
    assert tried == {rule["alert"] for rule in rules()}


def assert_accepts(command: str, what: str, file: Path) -> None:
    asked = ["promtool", command, what, file.name]
    done = subprocess.run(asked, cwd=file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_a_real_prometheus_reads_the_metrics_with_an_api_token(orchestra: Orchestra, tmp_path: Path) -> None:
    token = orchestra.users.api_tokens.create(
        Principal("local:me", "owner"), "owner", "prometheus", role="viewer"
    ).token
    settings = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    settings["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    (tmp_path / "orchestra.token").write_text(f"{token}\n")
    shutil.copy(ALERTS, tmp_path)
    with serving(orchestra) as port, prometheus(tmp_path, settings, port) as address:

        def up() -> Any:
            return query(address, "up == 1") and query(address, "orchestra_runs_ended_total > 0")

        [ended] = until(up, "the first scrape")
        assert ended["metric"]["status"] == "failed"
        assert len(query(address, "orchestra_unreadable == 0")) == 5


@contextmanager
def serving(orchestra: Orchestra) -> Iterator[int]:
    """The REST API on a real server; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_api(lambda: orchestra), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started, "the server")
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def prometheus(folder: Path, settings: dict[str, Any], port: int) -> Iterator[str]:
    """Prometheus with these settings, which reads from that port; yields its address."""
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    options = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{own}"]
    process = subprocess.Popen(["prometheus", *options], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        process.terminate()
        process.wait()


def query(address: str, text: str) -> list[dict[str, Any]]:
    try:
        answer = httpx.get(f"{address}/api/v1/query", params={"query": text}, trust_env=False)
    except httpx.TransportError:  # it has not begun
        return []
    return list(answer.json()["data"]["result"]) if answer.status_code == 200 else []
