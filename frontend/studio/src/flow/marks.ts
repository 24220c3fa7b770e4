// How a run or a prediction is drawn on each step: words and a badge, and a short text on the line.
import { t, tn } from "../language";
import type { RunState, StepState } from "../live";
import type { Node } from "../model";
import type { IconName } from "../ui/icons";
import { insideSentence, isLoop, lookOf } from "../ui/looks";
import { seconds } from "./past";
import type { Plan } from "./plan";
import { willWords, type Prediction } from "./prediction";

export interface Mark {
  // The status in the run; "" for a prediction.
  status: string;
  icon: IconName;
  words: string;
  // What differs from the other run, "" if nothing does or no other run was chosen.
  difference: string;
  isPredicted: boolean;
  // Whether it may have no output.
  isHollow: boolean;
  // The type of its output, in a prediction.
  type: string;
  // How many items or repetitions it has.
  count: number;
}

export type Marks = Record<string, Mark>;

const ENDED = ["succeeded", "failed", "skipped", "cancelled"];

const countOf = ({ counts }: StepState): number => Object.values(counts).reduce((sum, one) => sum + one, 0);

// Return the state of a step in words: `Running`, or `Running, 12 of 25, 1 failed`.
export function stateWords(step: StepState): string {
  const { word } = lookOf(step.status);
  const total = countOf(step);
  if (total < 2) return word;
  const done = ENDED.reduce((sum, status) => sum + (step.counts[status] ?? 0), 0);
  const parts = [word, done === total ? t("all {count}", { count: total }) : t("{done} of {total}", { done, total })];
  if (step.counts.failed) parts.push(t("{count} failed", { count: step.counts.failed }));
  return parts.join(", ");
}

// Return the marks of a run, by the path of the step; `other` is a run to compare it with.
export function runMarks(run: RunState, other: RunState | null): Marks {
  const found: Marks = {};
  for (const path of new Set([...Object.keys(run.steps), ...Object.keys(other?.steps ?? {})])) {
    const [step, before] = [run.steps[path], other?.steps[path]];
    if (!step && !run.ended_at) continue; // it may still come
    found[path] = {
      status: step?.status ?? "",
      icon: lookOf(step?.status ?? "pending").icon,
      words: step ? stateWords(step) : t("Not reached"),
      difference: other ? differenceWords(step, before) : "",
      isPredicted: false,
      isHollow: false,
      type: "",
      count: step ? countOf(step) : 0,
    };
  }
  return found;
}

// Return how a step differs from the same step in another run, "" if it does not, or has not ended yet.
export function differenceWords(step: StepState | undefined, other: StepState | undefined): string {
  if (!step || !other) return step ? t("not reached in the other run") : other ? t("only in the other run") : "";
  const parts: string[] = [];
  if (!ENDED.includes(step.status)) return "";
  if (step.status !== other.status) parts.push(t("{status} in the other run", { status: insideSentence(lookOf(other.status).word) }));
  else if (countOf(step) !== countOf(other)) parts.push(t("{status} in the other run", { status: countOf(other) }));
  const longer = (tookMs(step) ?? 0) - (tookMs(other) ?? 0);
  const isTimed = tookMs(step) !== null && tookMs(other) !== null;
  if (isTimed && Math.abs(longer) >= Math.max(100, 0.1 * tookMs(other)!)) parts.push(longer > 0 ? t("{time} longer", { time: seconds(longer) }) : t("{time} shorter", { time: seconds(-longer) }));
  const [cost, before] = [step.usage.cost_usd, other.usage.cost_usd];
  if (cost !== null && before !== null && Math.abs(cost - before) >= 0.00005) parts.push(cost > before ? t("${usd} more", { usd: (cost - before).toFixed(4) }) : t("${usd} less", { usd: (before - cost).toFixed(4) }));
  return parts.join(", ");
}

const tookMs = ({ started_at, ended_at }: StepState): number | null =>
  started_at && ended_at ? Date.parse(ended_at) - Date.parse(started_at) : null;

// Return the marks of a prediction.
export function predictedMarks({ steps, run_id, why }: Prediction): Marks {
  const found: Marks = {};
  const hasValues = run_id !== null && !why;
  for (const step of steps) {
    found[step.path] = {
      status: "",
      icon: "help",
      words: t("Predicted: {what}", { what: hasValues && Object.keys(step.counts).length === 0 ? t("not reached") : willWords(step) }),
      difference: "",
      isPredicted: true,
      isHollow: step.may_be_missing,
      type: step.type,
      count: 0,
    };
  }
  return found;
}

// Return the marks of a try: what it would write has not been written.
export function plannedMarks(marks: Marks, { writes }: Plan): Marks {
  const planned = writes.flatMap(({ path, count }) => (marks[path] ? [[path, { ...marks[path], words: tn("Would be done once", "Would be done {count} times", count) }]] : []));
  return { ...marks, ...Object.fromEntries(planned) };
}

export interface LineMark {
  text: string;
  isRunning: boolean;
  isPredicted: boolean;
  isHollow: boolean;
}

// Return what is drawn on the line between two steps: the number of items, a tick once the next step has begun, or a type.
export function lineMark(marks: Marks, from: Node | null, to: Node | null): LineMark | null {
  const [source, target] = [from && marks[from.step.path], to && marks[to.step.path]];
  const isRunning = target?.status === "running";
  if (source?.isPredicted) {
    const isItem = to?.block.owner === from; // one of the list goes to each
    const type = isItem ? source.type.replace(/^list( of )?/, "") : source.type;
    return { text: type === "any" ? "" : type, isRunning: false, isPredicted: true, isHollow: source.isHollow && !isItem };
  }
  const isBegun = target !== undefined && target !== null && target.status !== "" && target.status !== "pending";
  if (target?.status === "skipped" || (!isBegun && source?.status !== "succeeded")) return null;
  const count = to && isLoop(to.step) && target && target.count > 0 ? target.count : (source?.count ?? 0);
  return { text: count > 1 ? String(count) : isBegun || !to ? "✓" : "", isRunning, isPredicted: false, isHollow: false };
}
