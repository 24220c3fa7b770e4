// What a draft would do: `GET /api/workflows/{name}/prediction`.
import { N_, t } from "../language";

export type Will = "run" | "skip" | "fail" | "unknown";

// The value of an expression, as JSON; null with a reason. `was`: what the run had, if that was something else.
export interface FieldPrediction {
  name: string;
  value: string | null;
  was: string | null;
  why: string;
}

// One repetition of a step.
export interface CasePrediction {
  path: string;
  key: string;
  will: Will;
  why: string;
  fields: FieldPrediction[];
  output: string | null;
}

export interface StepPrediction {
  path: string;
  type: string;
  may_be_missing: boolean;
  counts: Partial<Record<Will, number>>;
  cases: CasePrediction[];
}

export interface Prediction {
  rev: string;
  run_id: string | null;
  steps: StepPrediction[];
  why: string;
}

const WILL = { run: N_("would run"), skip: N_("would be skipped"), fail: N_("would fail"), unknown: N_("not known") };

// Return what a step would do, on one line: `would run, title "Invoice"`, `12 would run, 3 would be skipped`.
export function willWords(step: StepPrediction): string {
  const all = (Object.keys(WILL) as Will[]).flatMap((will) => (step.counts[will] ? [[will, step.counts[will]] as const] : []));
  const [only, ...others] = all;
  if (!only) return t("gives {what}", { what: giveWords(step) });
  if (others.length > 0 || only[1] > 1) return all.map(([will, count]) => `${count} ${t(WILL[will])}`).join(", ");
  const value = only[0] === "run" ? valueWords(step.cases[0]) : "";
  return value ? `${t(WILL[only[0]])}, ${value}` : t(WILL[only[0]]);
}

// Return the value that has changed, or else the first.
function valueWords(first: CasePrediction | undefined): string {
  const fields = first?.fields.filter(({ name, value }) => value !== null && name !== "if") ?? [];
  const one = fields.find(({ was }) => was !== null) ?? fields[0];
  if (!one) return "";
  return one.name === "foreach" ? `${one.value}` : `${one.name} ${one.value}`;
}

export const giveWords = ({ type, may_be_missing }: { type: string; may_be_missing: boolean }): string =>
  `${type === "any" ? t("any value") : type}${may_be_missing ? t(", or nothing") : ""}`;
