// What the fields of a step would be with what a run has read, the one that is shown, or else the newest one that tried it or ran: `GET /api/workflows/{name}/prediction`.
import { api } from "../api";
import type { Prediction } from "../flow/prediction";

export type Samples = Readonly<Record<string, string>>;

// So long somebody types before the values are asked for again.
const REST_MS = 500;

const asked = new Map<string, Promise<Prediction | null>>();

// Return the prediction of a text of a workflow with a run, null without one; `runId` "" means the newest.
export function predicted(workflow: string, rev: string, runId: string): Promise<Prediction | null> {
  const key = `${workflow} ${rev} ${runId}`;
  const found = asked.get(key) ?? ask(workflow, runId);
  asked.clear(); // only the newest text counts
  asked.set(key, found);
  found.catch(() => asked.delete(key));
  return found;
}

async function ask(workflow: string, runId: string): Promise<Prediction | null> {
  await new Promise((done) => setTimeout(done, REST_MS));
  const id = runId || (await api.lastPlan(workflow)) || (await api.runs(workflow))[0]?.run_id;
  return id ? api.prediction(workflow, id) : null;
}

// Return a value as its field would show it, in one line: a text without the quotation marks of JSON.
export function plainValue(value: string): string {
  return unquoted(value).replace(/\s+/g, " ").trim();
}

const ESCAPE = /\\(.)/g;
const unescaped = (whole: string, letter: string): string => ("nrt".includes(letter) ? " " : whole);

function unquoted(value: string): string {
  try {
    const found: unknown = JSON.parse(value);
    return typeof found === "string" ? found : value.replace(ESCAPE, unescaped);
  } catch {
    return value.replace(/^"/, "").replace(ESCAPE, unescaped); // it was cut
  }
}

// Return the values of the fields of a step, as they would be the first time.
export function samplesOf(prediction: Prediction | null | undefined, path: string): Samples {
  const [first] = prediction?.steps.find((one) => one.path === path)?.cases ?? [];
  return Object.fromEntries((first?.fields ?? []).flatMap(({ name, value }) => (value === null ? [] : [[name, plainValue(value)]])));
}
