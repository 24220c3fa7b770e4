// The REST API as the canvas uses it: its shapes, and requests that tell apart what was refused and what did not arrive.

import type { Prediction } from "./flow/prediction";
import { parseJson } from "./json";
import { learn, said, t } from "./language";
import type { RunChange, RunState } from "./live";
import type { ScopeName } from "./panel/completion";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
// A definition, a step or a value in it: whatever the text of the draft has.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Definition = any;

export type Kind = "input" | "output" | "process" | "agent" | "tool" | "group" | "unknown";

// A reference of a step to another one: `field` is where it stands, such as `with.title`.
export interface Read {
  step: string;
  field: string;
}

// A step as `GET /api/workflows/{name}/canvas` returns it; what is missing is empty.
export interface CanvasStep {
  id: string;
  path: string;
  // The path of the step around it, `on_failure`, or "".
  parent: string;
  place: "steps" | "on_error" | "on_failure";
  title: string;
  uses: string;
  service: string;
  kind: Kind;
  effect: string;
  // The siblings that it waits for; null: all before it.
  needs: string[] | null;
  condition: string;
  foreach: string;
  parallel: number;
  note: string;
  reads: Read[];
}

export interface Problem {
  message: string;
  code: string;
  severity: "error" | "warning";
  file: string;
  line: number;
  column: number;
  step: string | null;
  field: string | null;
  remedy: string;
}

// Where a step is put: after or before another one, or at the end of a list.
export interface Place {
  after?: string;
  before?: string;
  into?: string;
}

export type FieldPath = string | (string | number)[];

// The operations of docs/editing.md.
export type Operation =
  | ({ op: "add"; step: Definition } & Place)
  | ({ op: "move"; steps: string[] } & Place)
  | { op: "set"; step?: string; field: FieldPath; value: Json }
  | { op: "unset"; step?: string; field: FieldPath }
  | { op: "rename"; step: string; to: string }
  | { op: "wrap"; steps: string[]; group: Definition }
  | { op: "unwrap"; step: string }
  | { op: "replace_step"; step: string; new: Definition }
  | { op: "notes"; step: string; text: string }
  | { op: "remove"; steps: string[] };

export type Positions = Record<string, [number, number]>;

// How a step is drawn where that is not automatic.
export interface StepLook {
  size: [number, number] | null;
  icon: string;
  color: string;
}

export type Looks = Record<string, StepLook>;

// A change of a text; `start` counts code points, as Python does.
export interface Splice {
  start: number;
  removed: string;
  inserted: string;
}

export interface Canvas {
  rev: string;
  etag: string;
  saved_etag: string;
  is_draft: boolean;
  text: string;
  title: string;
  steps: CanvasStep[];
  positions: Positions;
  looks: Looks;
  can_undo: boolean;
  can_redo: boolean;
  problems: Problem[];
}

export interface Edited {
  rev: string;
  base: string;
  splices: Splice[];
  text: string | null;
  words: string;
  steps: CanvasStep[];
  can_undo: boolean;
  can_redo: boolean;
  // null: the socket will tell them.
  problems: Problem[] | null;
}

export interface StepType {
  name: string;
  title: string;
  description: string;
  service: string | null;
  kind: Kind;
  effect: string;
  repeat: string | null;
  approval: string;
  fields_schema: Definition;
  output_schema: Definition;
}

export interface StepTypes {
  step_types: StepType[];
  // The fields of every step.
  step_schema: Definition;
}

export interface RunRow {
  run_id: string;
  status: string;
  // Whether it is a test run, such as a debug run.
  is_test?: boolean;
  started_at: string | null;
  queued_at: string;
}

export interface TriggerType {
  name: string;
  title: string;
  description: string;
  service: string | null;
  poll_seconds: number;
  is_watched: boolean;
  fields_schema: Definition;
  item_schema: Definition;
}

interface TriggerError {
  message: string;
  remedy: string;
}

export interface TriggerStatus {
  id: string;
  state: string;
  is_on: boolean;
  // On for accounts that are not in use now.
  is_resting: boolean;
  needs_start: boolean;
  start_from: string[];
  environment: string;
  problem: TriggerError | null;
  error: TriggerError | null;
}

// Which items count as new; neither: those after the place where the trigger stopped.
export interface TriggerBeginning {
  now?: true;
  last?: number;
}

export interface SavedFile {
  etag: string;
  text: string;
  problems: Problem[];
}

// A call of a debug run that is made when somebody lets the run go on.
export interface PausedStep {
  // In the run, with the indexes of items; `step` is the path in the workflow.
  path: string;
  step: string;
  title: string;
  uses: string;
  why: "breakpoint" | "step";
  since: string;
  arguments: Record<string, Json>;
  // The innermost loop around it, "" outside of loops, and the title of the item.
  loop: string;
  item: string;
}

export interface StepResult {
  path: string;
  step: string;
  title: string;
  status: string;
  output: Json;
  error: string;
  ended_at: string;
}

// Where a debug run is: `GET /api/runs/{run_id}/debug`.
export interface DebugView {
  run_id: string;
  status: string;
  sentence: string;
  breakpoints: string[];
  is_stepping: boolean;
  is_moving: boolean;
  paused: PausedStep[];
  last: StepResult | null;
}

// A period in which no step worked.
export interface Idle {
  since: string;
  until: string;
  seconds: number;
  status: string;
  resumed_by: string | null;
}

export interface Timeline {
  run_id: string;
  queued_at: string;
  first: RunState;
  frames: { at: string; change: RunChange }[];
  idle: Idle[];
  // Whether the run has more times than frames.
  is_joined: boolean;
}

// What a run that continues does not pause for any more.
export type Past = "" | "loop" | "breakpoint";

// The server refused a request, in words.
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly remedy: string,
    // The members of `error` beyond its message: `conflict`, `etag`, `differences`.
    readonly details: Definition,
  ) {
    super(message);
  }
}

// The request, or its answer, was lost: the server may have done it or not.
export class Unanswered extends Error {}

const ANSWER_MS = 60_000;
// Who answers so has not judged the request: a proxy without its server, or a server that is busy. It may be sent again.
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

// Return the JSON of an answer; `body` is sent as JSON, or as it is if it is a file.
export async function request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, longestMs = ANSWER_MS): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined || body instanceof Blob ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(longestMs),
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    throw new Unanswered(t("the server cannot be reached"), { cause: error });
  }
  if (!response.ok) throw await failureOf(response.status, text);
  return (text === "" ? null : parseJson(text)) as T;
}

// Return what an answer that is no success means, in the language of the page.
export async function failureOf(status: number, text: string): Promise<Error> {
  const error = await inOwnWords(errorIn(text));
  if (LATER.has(status)) return new Unanswered(error.message || t("the server is busy ({status})", { status }));
  if (status === 401) return new Refused(401, t("You are signed out. Your draft is kept: sign in in another tab, then try again."), "", error);
  return new Refused(status, error.message || t("The server answered {status}.", { status }), error.remedy ?? "", error);
}

async function inOwnWords(error: Definition): Promise<Definition> {
  await learn([error.message, error.remedy, error.reason]);
  const own = Object.entries(error).map(([name, value]) => [name, typeof value === "string" ? said(value) : value]);
  return Object.fromEntries(own);
}

// Return an answer once the translations of its problems are known.
async function understood<T extends { problems: Problem[] | null }>(asked: Promise<T>): Promise<T> {
  const answer = await asked;
  await learn(textsOf(answer.problems ?? []));
  return answer;
}

async function debugged(asked: Promise<DebugView>): Promise<DebugView> {
  const view = await asked;
  await learn([view.sentence, view.last?.error]);
  return view;
}

// Return what errors say, for `learn`.
export const textsOf = (errors: ({ message: string; remedy?: string } | null | undefined)[]): (string | undefined)[] => errors.flatMap((one) => [one?.message, one?.remedy]);

function errorIn(text: string): Definition {
  try {
    return JSON.parse(text).error ?? {};
  } catch {
    return {};
  }
}

// Of the words that are searched; the server refuses more.
const LONGEST_REQUEST = 400;
const inOwnLanguage = <T extends { title: string; description: string }>(type: T): T => ({ ...type, title: t(type.title), description: t(firstParagraph(type.description)) });
const firstParagraph = (text: string): string => (text.split("\n\n")[0] ?? "").replaceAll("\n", " ");
const MOST_RUNS = 20;

const ofRun = (runId: string, rest: string) => `/api/runs/${encodeURIComponent(runId)}${rest}`;
const of = (workflow: string, rest: string) => `/api/workflows/${encodeURIComponent(workflow)}${rest}`;

export const api = {
  canvas: (workflow: string) => understood(request<Canvas>("GET", of(workflow, "/canvas"))),
  // `check`: whether the answer has the problems, for which the server compiles the workflow.
  ops: (workflow: string, base_rev: string, op_id: string, ops: Operation[], check: boolean) =>
    understood(request<Edited>("POST", of(workflow, "/draft/ops"), { base_rev, op_id, ops, check })),
  back: (workflow: string, base_rev: string, way: "undo" | "redo", check: boolean) =>
    understood(request<Edited>("POST", of(workflow, `/draft/${way}`), { base_rev, check })),
  discard: (workflow: string) => request<unknown>("DELETE", of(workflow, "/draft")),
  // `etag` is the etag of the text to replace, "" if there must be no file yet.
  save: (workflow: string, text: string, etag: string) =>
    understood(request<SavedFile>("PUT", of(workflow, ""), { text }, etag ? { "If-Match": `"${etag}"` } : {})),
  position: (workflow: string, positions: Record<string, [number, number] | null>) =>
    request<{ positions: Positions }>("PUT", of(workflow, "/positions"), { positions }),
  look: (workflow: string, looks: Record<string, Partial<StepLook>>) => request<{ looks: Looks }>("PUT", of(workflow, "/looks"), { looks }),
  // The problems that a text would have; nothing is saved.
  validate: (workflow: string, text: string) => understood(request<{ problems: Problem[] }>("POST", of(workflow, "/validate"), { text })),
  // The names that a step of the draft may use.
  scope: (workflow: string, step: string) => request<{ names: ScopeName[] }>("GET", of(workflow, `/scope?step=${encodeURIComponent(step)}`)),
  // The last runs, newest first.
  runs: async (workflow: string) => (await request<{ runs: RunRow[] }>("GET", `/api/runs?workflow=${encodeURIComponent(workflow)}&limit=${MOST_RUNS}`)).runs,
  // Return the id of the newest run without a write, "" without one.
  lastPlan: async (workflow: string) => (await request<{ plans: { plan_id: string }[] }>("GET", `/api/plans?workflow=${encodeURIComponent(workflow)}&limit=1`)).plans[0]?.plan_id ?? "",
  // Run the saved workflow without a write; returns the id of the run.
  plan: async (workflow: string) => (await request<{ plan_id: string }>("POST", "/workflows/execute", { workflow, inputs: {}, plan: true, wait_seconds: 0 })).plan_id,
  timeline: (runId: string) => request<Timeline>("GET", `/api/runs/${encodeURIComponent(runId)}/timeline`),
  // `runId`: the run whose outputs are used, "" for types only.
  prediction: (workflow: string, runId: string) => request<Prediction>("GET", of(workflow, `/prediction?run_id=${encodeURIComponent(runId)}`)),
  triggers: async (workflow: string) => {
    const { triggers } = await request<{ triggers: TriggerStatus[] }>("GET", `/api/triggers?workflow=${encodeURIComponent(workflow)}`);
    await learn(textsOf(triggers.flatMap(({ problem, error }) => [problem, error])));
    return triggers;
  },
  triggerTypes: async () => (await request<{ trigger_types: TriggerType[] }>("GET", "/api/triggers/types")).trigger_types.map(inOwnLanguage),
  turnTrigger: (workflow: string, trigger: string, way: "on" | "off", beginning: TriggerBeginning) =>
    request<TriggerStatus>("POST", `/api/triggers/${encodeURIComponent(workflow)}/${encodeURIComponent(trigger)}/${way}`, beginning),
  debug: (workflow: string, inputs: Record<string, Json>, breakpoints: string[]) =>
    request<{ run_id: string }>("POST", of(workflow, "/debug"), { inputs, breakpoints }),
  debugView: (runId: string) => debugged(request<DebugView>("GET", ofRun(runId, "/debug"))),
  breakpoints: (runId: string, breakpoints: string[]) => debugged(request<DebugView>("PUT", ofRun(runId, "/debug/breakpoints"), { breakpoints })),
  debugStep: (runId: string, step: string) => debugged(request<DebugView>("POST", ofRun(runId, "/debug/step"), { step })),
  debugContinue: (runId: string, past: Past, step: string) => debugged(request<DebugView>("POST", ofRun(runId, "/debug/continue"), { past, step })),
  cancel: (runId: string) => request<unknown>("POST", ofRun(runId, "/cancel")),
  // The names of the step types that fit what a step should do, the best first.
  fittingTypes: async (words: string) => (await request<{ names: string[] }>("GET", `/api/step-types/fitting?q=${encodeURIComponent(words.slice(0, LONGEST_REQUEST))}`)).names,
  stepTypes: async () => {
    const found = await request<StepTypes>("GET", "/api/step-types");
    return { ...found, step_types: found.step_types.map(inOwnLanguage) };
  },
};
