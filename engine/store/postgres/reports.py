"""Views of the history for people who ask with SQL (docs/observability.md); their columns are a promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

_RUNS = """
SELECT run_id, workflow_id, workflow, title, status, environment, started_by,
    demo = 1 AS is_demo, is_test = 1 AS is_test, plan_hash IS NOT NULL AS is_plan,
    origin_run_id, parent_run_id,
    queued_at::timestamptz AS queued_at, started_at::timestamptz AS started_at, ended_at::timestamptz AS ended_at,
    duration_seconds, sentence,
    coalesce((counts::json ->> 'steps')::bigint, 0) AS steps,
    coalesce((counts::json ->> 'failed_steps')::bigint, 0) AS failed_steps,
    coalesce((counts::json ->> 'items')::bigint, 0) AS items,
    coalesce((counts::json ->> 'failed_items')::bigint, 0) AS failed_items,
    CASE WHEN kind <> '' THEN kind WHEN is_test = 1 THEN 'part' WHEN plan_hash IS NULL THEN 'run' ELSE 'plan' END
        AS kind
FROM runs
"""
_WORKFLOWS = """
SELECT workflow_id, (array_agg(workflow ORDER BY run_id DESC))[1] AS workflow,
    (array_agg(title ORDER BY run_id DESC))[1] AS title, count(*) AS runs,
    count(*) FILTER (WHERE ended_at IS NULL) AS open_runs,
    count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
    avg(duration_seconds) FILTER (WHERE ended_at IS NOT NULL) AS average_seconds,
    max(queued_at)::timestamptz AS last_queued_at, max(ended_at)::timestamptz AS last_ended_at
FROM runs WHERE demo = 0 AND is_test = 0 AND plan_hash IS NULL GROUP BY workflow_id
"""
_COSTS = """
SELECT period::date AS day, split_part(scope, ':', 2) AS kind, split_part(scope, ':', 3) = 'demo' AS is_demo,
    substr(scope, length(split_part(scope, ':', 2)) + length(split_part(scope, ':', 3)) + 7) AS name,
    calls, input_tokens, output_tokens, nano_usd / 1e9 AS usd, unpriced AS calls_without_price
FROM spending WHERE strpos(scope, 'use:') = 1 AND period ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
"""
"""A scope is `use:kind:mode:name`, and `substr` counts from 1: hence the 7."""
_LOGS = r"""
FROM runs
JOIN blobs AS first ON first.piece = 0 AND first.name =
    substr(runs.run_id, 1, 4) || '-' || substr(runs.run_id, 5, 2) || '-' || substr(runs.run_id, 7, 2)
    || '/' || runs.run_id || '.json'
CROSS JOIN LATERAL (
    SELECT convert_from(string_agg(data, ''::bytea ORDER BY piece), 'UTF8') AS log FROM blobs
    WHERE blobs.name = first.name AND blobs.version = first.version
) AS whole
CROSS JOIN LATERAL (
    SELECT (CASE WHEN strpos(whole.log, '\u0000') = 0 THEN whole.log
    ELSE regexp_replace(whole.log, '(?<!\\)((?:\\\\)*)\\u0000', '\1\ufffd', 'g') END)::json AS document
) AS log
"""
"""PostgreSQL's texts cannot hold U+0000, which JSON may: it becomes U+FFFD."""
_STEPS = f"""
SELECT runs.run_id, runs.workflow_id, step ->> 'path' AS path, step ->> 'id' AS step_id, step ->> 'uses' AS uses,
    step ->> 'connection' AS connection, step ->> 'status' AS status,
    (step ->> 'started_at')::timestamptz AS started_at, (step ->> 'ended_at')::timestamptz AS ended_at,
    extract(epoch FROM (step ->> 'ended_at')::timestamptz - (step ->> 'started_at')::timestamptz)::float8
        AS duration_seconds,
    coalesce(json_array_length(step -> 'attempts'), 0) AS attempts, step -> 'error' ->> 'code' AS error_code,
    (step -> 'usage' ->> 'input_tokens')::bigint AS input_tokens,
    (step -> 'usage' ->> 'output_tokens')::bigint AS output_tokens,
    (step -> 'usage' ->> 'cost_usd')::numeric AS cost_usd
{_LOGS} CROSS JOIN LATERAL json_array_elements(log.document -> 'steps') AS step
"""  # noqa: S608 - texts of ours
_AGENTS = f"""
SELECT split_part(runs.workflow, ':', 2) AS agent, nullif(split_part(runs.workflow, ':', 3), '') AS version,
    runs.run_id, runs.parent_run_id, runs.status, runs.demo = 1 AS is_demo,
    runs.started_at::timestamptz AS started_at, runs.duration_seconds, sums.*
{_LOGS} CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE step ->> 'uses' = 'agent.turn' AND step -> 'usage' ->> 'input_tokens' IS NOT NULL)
        AS turns,
        count(*) FILTER (WHERE step ->> 'id' ~ '^use_.*_[0-9]+$' AND step ->> 'status' IN ('succeeded', 'failed'))
        AS tool_calls,
        count(*) FILTER (WHERE step ->> 'id' ~ '^use_.*_[0-9]+$' AND step ->> 'status' = 'failed')
        AS failed_tool_calls,
        coalesce(sum((step -> 'usage' ->> 'input_tokens')::bigint), 0)::bigint AS input_tokens,
        coalesce(sum((step -> 'usage' ->> 'output_tokens')::bigint), 0)::bigint AS output_tokens,
        sum((step -> 'usage' ->> 'cost_usd')::numeric) AS cost_usd
    FROM json_array_elements(log.document -> 'steps') AS step
) AS sums
WHERE strpos(runs.workflow, 'agent:') = 1
"""  # noqa: S608 - texts of ours
_DEFINITIONS = f"""
SELECT runs.workflow_id, runs.workflow, log.document ->> 'workflow_hash' AS workflow_hash, runs.run_id,
    runs.queued_at::timestamptz AS accepted_at, log.document -> 'definition' AS definition
{_LOGS}
"""
_VIEWS = {"report_runs": _RUNS, "report_workflows": _WORKFLOWS, "report_costs": _COSTS}
_LOG_VIEWS = {"report_steps": _STEPS, "report_agents": _AGENTS, "report_definitions": _DEFINITIONS}


def create_views(connection: Connection) -> None:
    """Create the views, or bring an earlier release's into today's form: PostgreSQL only lets them get more columns.

    This waits for those who are asking, so only a new or a migrated state needs it.
    """
    there = {name: query for name, query in _LOG_VIEWS.items() if _is_there(connection, name)}
    for name, query in (_VIEWS | there).items():
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {query}")


def create_log_views(connection: Connection) -> None:
    """Create the views of the logs that are missing, if the logs are in the same database."""
    if not _is_there(connection, "blobs"):
        return
    for name, query in _LOG_VIEWS.items():
        if not _is_there(connection, name):
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")


def _is_there(connection: Connection, name: str) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT to_regclass('{name}') IS NOT NULL").scalar())
