// When a step runs, how often, and what happens if it fails: as a sentence for each.
import type { Json } from "../api";
import { isExpression } from "./values";

export type Step = Record<string, Json | undefined>;

const inside = (value: Json | undefined): string => {
  const text = typeof value === "string" ? value.trim() : JSON.stringify(value ?? "");
  return /^\{\{((?!\}\}).)*\}\}$/s.test(text) ? text.slice(2, -2).trim() : text;
};
const plural = (count: Json | undefined, word: string): string => `${String(count)} ${word}${count === 1 ? "" : "s"}`;
const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function condition(step: Step): string {
  if (step.if === undefined || step.if === true) return "Runs every time.";
  return step.if === false ? "Never runs." : `Runs only if ${inside(step.if)}`;
}

export function waiting(step: Step, titleOf: (id: string) => string): string {
  const needs = step.needs;
  if (!Array.isArray(needs)) return "Waits for all steps before it.";
  return needs.length === 0 ? "Waits for no other step." : `Waits for ${needs.map((id) => titleOf(String(id))).join(", ")}.`;
}

export function repetition(step: Step): string {
  if (step.foreach === undefined) return "Runs once.";
  const atOnce = typeof step.parallel === "number" && step.parallel > 1 ? `, ${step.parallel} at once` : "";
  const name = typeof step.as === "string" ? step.as : "item";
  return `Repeats for each ${name} in ${inside(step.foreach)}${atOnce}`;
}

export function attempts(step: Step): string {
  const retry = step.retry;
  if (!isObject(retry)) return "Tries again as usual after a failure.";
  const count = retry.attempts ?? 3;
  if (count === 1) return "Tries once.";
  const pause = retry.backoff_seconds ?? 1;
  return `Tries ${isExpression(count) ? inside(count) : plural(count, "time")}, first again after ${plural(pause, "second")}.`;
}

export function time(step: Step): string {
  if (step.timeout_seconds === undefined) return "Takes at most the usual time.";
  return `Takes at most ${plural(step.timeout_seconds, "second")}${step.steps === undefined ? " for each attempt" : ""}.`;
}

export function failure(step: Step): string {
  if (isObject(step.on_error)) return "If it fails, other steps run in its place.";
  return step.on_error === "continue" ? "If it fails, the run goes on without it." : "If it fails, the run fails.";
}

export function approval(step: Step): string {
  const rule = isObject(step.approve) ? (step.approve.when ?? "") : (step.approve ?? "");
  switch (rule) {
    case "always":
      return "A person approves each call first.";
    case "when_outside":
      return "A person approves calls with text from outside first.";
    case "never":
      return "Nobody needs to approve it.";
    default:
      return "Approved as the workflow says.";
  }
}
