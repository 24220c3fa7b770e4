// What the account and the workspace offer for a field; each answer is kept for half a minute.
import { Refused, request, type Definition, type Json } from "../api";
import { parseJson } from "../json";
import { learn, locale } from "../language";
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

// What a field may name, and a word about it.
export interface Suggestion {
  value: string;
  detail?: string;
}

export const plainly = (values: string[]): Suggestion[] => values.map((value) => ({ value }));

// Return what a field of this format may name; [] if nothing is known.
export async function choicesFor(format: string, connection: string): Promise<Suggestion[]> {
  if (format === "workspace-file" && !connection) return ofFiles((await get<{ files: FileRow[] }>(FILES)).files);
  return plainly(await namesOf(format, connection));
}

// Return the columns, written `table.column`, that belong to a table; all if the table is not known.
export function ofTable(columns: Suggestion[], table: unknown): Suggestion[] {
  const own = typeof table === "string" && table ? columns.filter(({ value }) => value.startsWith(`${table}.`)) : [];
  return own.length > 0 ? own : columns;
}

async function namesOf(format: string, connection: string): Promise<string[]> {
  if (format === "prompt") return named((await get<{ prompts: Named[] }>("/api/prompts")).prompts);
  if (format === "agent") return named((await get<{ agents: Named[] }>("/api/agents")).agents);
  if (format === "workflow") return named((await get<{ workflows: Named[] }>("/api/workflows")).workflows);
  const at = connection ? `&connection=${encoded(connection)}` : "";
  return (await get<{ choices: string[] }>(`/api/choices?format=${encoded(format)}${at}`)).choices;
}

interface FileRow {
  path: string;
  size_bytes: number;
}

const FILES = "/api/files?limit=1000";

const ofFiles = (rows: FileRow[]): Suggestion[] => rows.map(({ path, size_bytes: size }) => ({ value: path, detail: sizeText(size) }));

function sizeText(bytes: number): string {
  const unit = bytes < 1e3 ? "byte" : bytes < 1e6 ? "kilobyte" : "megabyte";
  const size = bytes / { byte: 1, kilobyte: 1e3, megabyte: 1e6 }[unit];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: 1 }).format(size);
}

// Store a file in the workspace, and return its path.
export async function addFile(file: File): Promise<string> {
  const { path } = await request<{ path: string }>("POST", `/api/files?name=${encoded(file.name)}`, file);
  answers.delete(FILES);
  return path;
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
  // `plan`: its writes were only planned.
  options?: { plan?: unknown };
  error?: { message: string } | null;
  steps: RunStep[];
}

interface RunStep {
  path: string;
  title?: string;
  status: string;
  // Of a loop: its items, and what one is called.
  items?: unknown[];
  noun?: string;
  output?: unknown;
  arguments?: unknown;
  error?: { message: string } | null;
  child_run_id?: string;
  // Of a step that was not called: what it would have done.
  planned?: { write?: string; account?: string; note?: string; asks?: boolean };
}

// Return the newest run of a workflow that is not a test, or else the newest test, or undefined.
export async function lastRun(workflow: string): Promise<Run | undefined> {
  const { runs } = await request<{ runs: { run_id: string; is_test: boolean }[] }>("GET", `/api/runs?workflow=${encoded(workflow)}&limit=${NEWEST_RUNS}`);
  const newest = runs.find(({ is_test: isTest }) => !isTest) ?? runs[0];
  return newest && runOf(newest.run_id);
}

export async function runOf(runId: string): Promise<Run> {
  const run = await request<Run>("GET", `/api/runs/${encoded(runId)}`);
  await learnOf(run);
  return run;
}

const learnOf = (run: Run): Promise<void> => learn([run.error?.message, ...(run.steps ?? []).flatMap(({ error, planned }) => [error?.message, planned?.note])]);

// Return the title of the item that a step of a run is about; "" outside of loops.
export function itemOf(run: Run, path: string): string {
  const item = path.slice(0, path.lastIndexOf("]") + 1);
  return (item && run.steps.find((one) => one.path === item)?.title) || "";
}

// Return the accounts and places that a refused request would have touched and nobody has agreed to; [] if it was
// refused for another reason.
export const unagreed = (error: unknown): string[] => (error instanceof Refused ? (error.details?.needs_confirmation ?? []) : []) as string[];

// Run one step of the saved workflow alone, with the inputs of an earlier run and the outputs of its other steps.
export async function tried(workflow: string, path: string, earlier: Run, confirmed: string[]): Promise<Run> {
  const asked = { workflow, only: path, from_run: earlier.run_id, inputs: earlier.inputs ?? {}, wait_seconds: TRY_SECONDS, confirmed };
  const run = await request<Run>("POST", "/workflows/execute", asked);
  if (!run.steps) return runOf(run.run_id);
  await learnOf(run);
  return run;
}

// Return the workflow as it is edited, and whether a step of it differs from the saved one: a try runs what one sees.
export async function edited(workflow: string, id: string): Promise<{ definition: Definition; isUnsaved: boolean }> {
  const path = `/api/workflows/${encoded(workflow)}`;
  const [{ document }, { text }] = await Promise.all([request<{ document: unknown }>("GET", path), request<{ text: string }>("GET", `${path}/canvas`)]);
  const definition = parseJson(text) as Definition;
  return { definition, isUnsaved: !isSame(stepIn(document, id), stepIn(definition, id)) };
}

const tryPath = (workflow: string, id: string): string => `/api/workflows/${encoded(workflow)}/steps/${encoded(id)}/try`;

// Return values that fit what a step reads: of the last run, or made from types. `draft`: the step as it is edited.
export const sampleFor = (workflow: string, id: string, draft: boolean): Promise<{ values: Record<string, Json>; is_recorded: boolean }> =>
  request("GET", `${tryPath(workflow, id)}?draft=${draft}`);

// Run one step alone with made-up values, as it is saved or as it is edited; nothing is written.
export async function triedWith(workflow: string, id: string, draft: boolean, values: Json, confirmed: string[]): Promise<Run> {
  const run = await request<Run>("POST", tryPath(workflow, id), { values, draft, wait_seconds: TRY_SECONDS, confirmed });
  return run.steps ? run : runOf(run.run_id);
}
