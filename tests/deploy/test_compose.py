"""compose.yaml: read by Compose itself or checked by its schema, and open to this machine only."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.documents.yaml_file import parse
from engine.workspace.config import Config
from engine.workspace.config import check as checked
from tests.docs.test_commands import unknown

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
PROFILES = {"workers", "redis", "nats", "kafka", "ollama"}


def _ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_compose_reads_it_with_every_profile() -> None:
    has_compose = shutil.which("docker") and _ran("docker", "compose", "version").returncode == 0
    if has_compose:
        profiles = [f"--profile={name}" for name in PROFILES]
        read = json.loads(_ran("docker", "compose", "-f", str(FILE), *profiles, "config", "--format=json").stdout)
        assert set(read["services"]) == set(COMPOSE["services"])
    elif dclint := shutil.which("dclint"):
        said = _ran(dclint, "--quiet", str(FILE))
        assert said.returncode == 0, said.stdout
    else:
        pytest.skip("no `docker compose`, and no dclint: `npm install -g dclint` to run this test")


def test_the_server_alone_runs_without_a_profile() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if "profiles" not in service] == ["orchestra"]
    assert {name for service in services.values() for name in service.get("profiles", ())} == PROFILES


def test_only_this_machine_reaches_it() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_image_has_a_whole_version() -> None:
    images = {service["image"] for service in COMPOSE["services"].values()}
    assert [one for one in images if not re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?(-\w+)?", one)] == []


def test_every_command_exists() -> None:
    ours = [service for service in COMPOSE["services"].values() if service["image"].startswith("ai-orchestra:")]
    given = [service["command"] for service in ours if "command" in service]
    assert len(given) >= 3
    assert [words for words in given if unknown(words) != ""] == []


def test_the_health_check_of_a_worker_asks_where_it_answers() -> None:
    worker = COMPOSE["services"]["worker"]
    port = worker["command"][worker["command"].index("--metrics-port") + 1]
    assert f"http://127.0.0.1:{port}/health" in worker["healthcheck"]["test"][-1]
    final = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert "ORCHESTRA_WORKER__METRICS_HOST=0.0.0.0" in final
    assert port in re.findall(r"^EXPOSE (.+)$", final, re.MULTILINE)[0].split()


def test_the_settings_of_the_example_are_settings() -> None:
    example = (ROOT / "deploy" / "env.example").read_text()
    settings = dict(re.findall(r"^# (ORCHESTRA_\w+)=(.*)$", example, re.MULTILINE))
    known = tuple(f"ORCHESTRA_{name.upper()}" for name in Config.model_fields)
    ours = {name: value for name, value in settings.items() if name.partition("__")[0] in known}
    assert settings.keys() - ours.keys() <= {"ORCHESTRA_TOKEN_SECRET", "ORCHESTRA_SECRET_KEY", "ORCHESTRA_STATE"}
    config = checked(parse("", "config.yaml"), ours)
    assert config.server.trusted_proxies == ["172.16.0.0/12"]
    assert config.ingress.url == "kafka://kafka:9092"
