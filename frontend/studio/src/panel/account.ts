// What the account and the workspace offer for a field; each answer is kept for half a minute.
import { request, type Json } from "../api";
import { t } from "../language";
import type { ScopeName } from "./completion";
import { stepIn } from "../document";
import { isSame } from "./values";

const FRESH_MS = 30_000;
const MOST_SCOPES = 10;
const TRY_SECONDS = 30;
const NEWEST_RUNS = 20;
const answers = new Map<string, { at: number; answer: Promise<unknown> }>();

function get<T>(path: string): Promise<T> {
  const known = answers.get(path);
  if (known && Date.now() - known.at < FRESH_MS) return known.answer as Promise<T>;
  const answer = request<T>("GET", path);
  answers.set(path, { at: Date.now(), answer });
  answer.catch(() => answers.delete(path));
  return answer;
}

const encoded = encodeURIComponent;

export const connectionsFor = async (uses: string): Promise<string[]> =>
  (await get<{ connections: { name: string }[] }>(`/api/connections?uses=${encoded(uses)}`)).connections.map(({ name }) => name);

// Return the connections to a service.
export const connectionsOf = async (service: string): Promise<string[]> =>
  (await get<{ connections: { name: string; service: string }[] }>("/api/connections")).connections.filter((one) => one.service === service).map(({ name }) => name);

// Return what a field of this format may name; [] if nothing is known.
export async function choicesFor(format: string, connection: string): Promise<string[]> {
  if (format === "prompt") return named((await get<{ prompts: Named[] }>("/api/prompts")).prompts);
  if (format === "workflow") return named((await get<{ workflows: Named[] }>("/api/workflows")).workflows);
  const at = connection ? `&connection=${encoded(connection)}` : "";
  return (await get<{ choices: string[] }>(`/api/choices?format=${encoded(format)}${at}`)).choices;
}

interface Named {
  name: string;
}

const named = (rows: Named[]): string[] => rows.map(({ name }) => name);

// Return the names that the prompt or the workflow of a step takes.
export async function membersOf(kind: "prompts" | "workflows", name: string): Promise<string[]> {
  const { document } = await get<{ document: Record<string, unknown> | null }>(`/api/${kind}/${encoded(name)}`);
  const known = kind === "prompts" ? document?.variables : (document?.inputs as { properties?: unknown } | undefined)?.properties;
  return Object.keys((known as object | undefined) ?? {});
}

// Return the names that all of these steps may use; `revision` changes with the text.
export async function namesFor(workflow: string, steps: string[], revision: number): Promise<ScopeName[]> {
  const scope = (step: string) =>
    get<{ names: ScopeName[] }>(`/api/workflows/${encoded(workflow)}/scope?step=${encoded(step)}#${revision}`);
  const [first, ...others] = await Promise.all(steps.slice(0, MOST_SCOPES).map(scope));
  return (first?.names ?? []).filter(({ name }) => others.every(({ names }) => names.some((one) => one.name === name)));
}

export interface Run {
  run_id: string;
  status: string;
  inputs?: Record<string, Json>;
  steps: RunStep[];
}

interface RunStep {
  path: string;
  status: string;
  output?: unknown;
  arguments?: unknown;
  error?: { message: string } | null;
  child_run_id?: string;
  // Of a step that was not called: what it would have done.
  planned?: { write?: string; account?: string; note?: string };
}

// Return the newest run of a workflow that is no test, or else the newest test, or undefined.
export async function lastRun(workflow: string): Promise<Run | undefined> {
  const { runs } = await request<{ runs: { run_id: string; is_test: boolean }[] }>("GET", `/api/runs?workflow=${encoded(workflow)}&limit=${NEWEST_RUNS}`);
  const newest = runs.find(({ is_test: isTest }) => !isTest) ?? runs[0];
  return newest && runOf(newest.run_id);
}

export const runOf = (runId: string): Promise<Run> => request<Run>("GET", `/api/runs/${encoded(runId)}`);

// Run one step of the saved workflow alone, with the inputs of an earlier run and the outputs of its other steps.
export async function tried(workflow: string, path: string, step: unknown, earlier: Run): Promise<Run> {
  await requireSaved(workflow, path.split(".").pop()?.replace(/\[\d+\]$/, "") ?? "", step);
  const asked = { workflow, only: path, from_run: earlier.run_id, inputs: earlier.inputs ?? {}, wait_seconds: TRY_SECONDS };
  const run = await request<Run>("POST", "/workflows/execute", asked);
  return run.steps ? run : request<Run>("GET", `/api/runs/${run.run_id}`);
}

async function requireSaved(workflow: string, id: string, step: unknown): Promise<void> {
  const { document } = await request<{ document: unknown }>("GET", `/api/workflows/${encoded(workflow)}`);
  if (!isSame(stepIn(document, id), step)) throw new Error(t("Save the workflow first: a try runs the saved step."));
}

const tryPath = (workflow: string, id: string): string => `/api/workflows/${encoded(workflow)}/steps/${encoded(id)}/try`;

// Return values that fit what a step reads: of the last run, or made from types.
export const sampleFor = (workflow: string, id: string): Promise<{ values: Record<string, Json>; is_recorded: boolean }> =>
  request("GET", tryPath(workflow, id));

// Run one step of the saved workflow alone with made-up values; nothing is written.
export async function triedWith(workflow: string, id: string, step: unknown, values: Json): Promise<Run> {
  await requireSaved(workflow, id, step);
  const run = await request<Run>("POST", tryPath(workflow, id), { values, wait_seconds: TRY_SECONDS });
  return run.steps ? run : runOf(run.run_id);
}
