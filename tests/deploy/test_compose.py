"""The files for Compose: read by itself or checked by its schema, open to this machine only, and apart."""

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
FILE, STAGING_FILE = ROOT / "compose.yaml", ROOT / "compose.staging.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
STAGING: dict[str, Any] = yaml.safe_load(STAGING_FILE.read_text().replace(" !override", ""))
PROFILES = {"workers", "redis", "nats", "kafka", "ollama", "ollama-gpu"}


def _ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_compose_reads_it_with_every_profile() -> None:
    has_compose = shutil.which("docker") and _ran("docker", "compose", "version").returncode == 0
    if has_compose:
        profiles = [f"--profile={name}" for name in PROFILES]
        for files in (["-f", str(FILE)], ["-f", str(FILE), "-f", str(STAGING_FILE)]):
            read = json.loads(_ran("docker", "compose", *files, *profiles, "config", "--format=json").stdout)
            assert set(read["services"]) == set(COMPOSE["services"])
    elif dclint := shutil.which("dclint"):
        said = _ran(dclint, "--quiet", str(FILE), str(STAGING_FILE))
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


def test_staging_shares_neither_image_nor_settings_nor_port_nor_volumes() -> None:
    ours = {name for name, one in COMPOSE["services"].items() if one["image"].startswith("ai-orchestra:")}
    assert STAGING["services"].keys() == ours
    assert STAGING["name"] != COMPOSE.get("name", ROOT.name), "volumes are named after it"
    written = STAGING_FILE.read_text()
    assert written.count("env_file: !override\n      - path: .env.staging\n") == len(ours), "else .env counts as well"
    assert {one["image"] for one in STAGING["services"].values()} == {"ai-orchestra:staging"}
    server = STAGING["services"]["orchestra"]
    assert 'ports: !override ["127.0.0.1:8601:8601"]' in written, "else the port of the other one is published as well"
    assert server["command"] == ["serve", "--port", "8601"], "the name of its cookie has the port"
    assert "http://127.0.0.1:8601/health" in server["healthcheck"]["test"][-1]
    assert "8601" not in FILE.read_text()
    volumes = {place.partition(":")[0] for one in COMPOSE["services"].values() for place in one.get("volumes", ())}
    assert volumes == COMPOSE["volumes"].keys(), "a folder of the machine would be shared"
    assert not any(COMPOSE["volumes"].values()), "so would be a volume with a name of its own"


def test_one_of_the_two_servers_of_models_runs_and_gets_the_model() -> None:
    plain, gpu, model = (COMPOSE["services"][name] for name in ("ollama", "ollama-gpu", "model"))
    assert gpu["networks"]["default"]["aliases"] == ["ollama"]
    assert {**plain, "profiles": gpu["profiles"], "networks": gpu["networks"], "deploy": gpu["deploy"]} == gpu
    assert model["profiles"] == [*plain["profiles"], *gpu["profiles"]]
    assert (model["image"], model["command"][0]) == (plain["image"], "pull")
    assert all(one["required"] is False for one in model["depends_on"].values())


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
