"""The files for Kubernetes: kustomize builds them, its schemas accept them, and every pod is restricted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from sqlalchemy import create_engine

from engine.store.sql.base.tables import metadata
from tests.docs.test_commands import unknown

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")


@cache
def documents() -> list[dict[str, Any]]:
    """Every document of every file."""
    return [one for file in sorted(FOLDER.glob("*.yaml")) for one in yaml.safe_load_all(file.read_text())]


def of_kind(*kinds: str) -> Iterator[dict[str, Any]]:
    return (one for one in documents() if one["kind"] in kinds)


def pods() -> list[dict[str, Any]]:
    """The specification of the pods of each workload."""
    return [one["spec"]["template"]["spec"] for one in of_kind("Deployment", "Job")]


def containers() -> list[dict[str, Any]]:
    return [one for pod in pods() for one in (*pod.get("initContainers", ()), *pod["containers"])]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_of_kubernetes_accept_every_document(version: str) -> None:
    known = [one for one in documents() if not one["apiVersion"].startswith(("keda.sh/", "kustomize."))]
    assert len(known) >= 11
    for one in known:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_would_see_a_mistake() -> None:
    [worker] = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "worker"]
    wrong = {**worker, "spec": {**worker["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_kustomize_builds_them() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl: kustomize does not build the files")
    told = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=True)
    built = list(yaml.safe_load_all(told.stdout))
    templates = [one["spec"]["template"]["spec"] for one in built if one["kind"] in {"Deployment", "Job"}]
    images = {one["image"] for template in templates for one in template["containers"]}
    assert images == {"registry.example.org/ai-orchestra:0.1.0"}
    assert {one["metadata"]["namespace"] for one in built if one["kind"] != "Namespace"} == {"ai-orchestra"}


def test_every_pod_is_restricted_and_its_files_are_read_only() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert all("hostPath" not in volume for volume in pod["volumes"])
    assert len(containers()) == 4
    for one in containers():
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in one["resources"]["limits"]


def test_every_command_and_every_name_that_one_file_takes_from_another_exists() -> None:
    given = [one["args"] for one in containers() if "args" in one]
    assert len(given) == 3
    assert [words for words in given if unknown(words) != ""] == []
    labels = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in of_kind("Deployment")}
    for one in of_kind("PodDisruptionBudget"):
        assert one["spec"]["selector"]["matchLabels"] == labels[one["metadata"]["name"]]
    for one in of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        assert one["spec"]["scaleTargetRef"]["name"] == "worker"
    [secret] = of_kind("Secret")
    [auth] = of_kind("TriggerAuthentication")
    [named] = auth["spec"]["secretTargetRef"]
    assert (named["name"], named["key"] in secret["stringData"]) == (secret["metadata"]["name"], True)


def test_probes_ask_what_each_container_answers_and_prometheus_reaches_it() -> None:
    answers = {"serve": {"/_stcore/health", "/ready"}, "worker": {"/health", "/live"}}
    for deployment in of_kind("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        [port] = container["ports"]
        probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        assert {one["path"] for one in probes} == answers[deployment["metadata"]["name"]]
        assert {one["port"] for one in probes} == {port["name"]}
        assert str(port["containerPort"]) in container["args"]
        [policy] = [one["spec"] for one in of_kind("NetworkPolicy") if one["metadata"]["name"] == "metrics"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        assert port["name"] in {one["port"] for one in policy["ingress"][0]["ports"]}


def test_the_query_that_scales_workers_counts_open_runs() -> None:
    [scaled] = of_kind("ScaledObject")
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    database = create_engine("sqlite://")
    metadata.create_all(database)
    rows = [("1", "queued", None), ("2", "running", None), ("3", "waiting", None), ("4", "succeeded", "2026-11-23")]
    with database.begin() as connection:
        for run_id, status, ended_at in rows:
            connection.execute(
                metadata.tables["runs"]
                .insert()
                .values(
                    run_id=run_id,
                    status=status,
                    ended_at=ended_at,
                    workflow="w",
                    workflow_id="w",
                    title="w",
                    demo=0,
                    started_by="ada",
                    queued_at="2026-11-23",
                )
            )
        assert connection.exec_driver_sql(query).scalar() == 2
