"""A DAG for Airflow 3 that has AI-Orchestra run a workflow each day, and waits for it without a worker.

It needs `apache-airflow-providers-http`, and a connection `orchestra`:

    AIRFLOW_CONN_ORCHESTRA='{"conn_type": "http", "host": "https://orchestra.example.org",
                             "extra": {"Authorization": "Bearer orch_…"}}'
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

_WAIT_SECONDS = 240  # of one request: the client of Airflow gives up after 300


def has_succeeded(response: Any) -> bool:
    """Return whether the run has succeeded; False (it goes on) has Airflow send the same request again."""
    run = response.json()
    if response.status_code == 202:
        return False
    if run["status"] != "succeeded":  # the same request would find the same run
        raise AirflowFailException(f"Run {run['run_id']}: {run['sentence']}")
    return True


def outputs(response: Any) -> Any:
    """Return the outputs of the run, for the tasks that follow."""
    return response.json()["outputs"]


with DAG("daily_report", schedule="@daily", start_date=datetime(2026, 11, 1), catchup=False):  # noqa: DTZ001 - in UTC
    HttpOperator(
        task_id="report",
        http_conn_id="orchestra",
        method="POST",
        endpoint="workflows/execute",
        headers={
            "Content-Type": "application/json",
            "Idempotency-Key": "{{ dag.dag_id }}/{{ task.task_id }}/{{ run_id }}",  # one run, however often it is tried
        },
        data=json.dumps({"workflow": "report", "inputs": {"day": "{{ ds }}"}, "wait_seconds": _WAIT_SECONDS}),
        response_check=has_succeeded,
        response_filter=outputs,
        deferrable=True,
        warn_on_non_idempotent=False,  # a restarted triggerer sends it again, and finds the same run
        retries=300,  # also while too many runs wait (429)
        retry_delay=timedelta(seconds=15),
    )
