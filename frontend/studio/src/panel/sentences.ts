// When a step runs, how often, and what happens if it fails: as a sentence for each.
import type { Json } from "../api";
import { t } from "../language";
import { isExpression } from "./values";

export type Step = Record<string, Json | undefined>;

const inside = (value: Json | undefined): string => {
  const text = typeof value === "string" ? value.trim() : JSON.stringify(value ?? "");
  return /^\{\{((?!\}\}).)*\}\}$/s.test(text) ? text.slice(2, -2).trim() : text;
};
const seconds = (count: Json | undefined): string =>
  count === 1 ? t("1 second") : t("{count} seconds", { count: inside(count) });
const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// `say` puts an expression into words.
export function condition(step: Step, say: (condition: string) => string = inside): string {
  if (step.if === undefined || step.if === true) return t("Runs every time.");
  return step.if === false ? t("Never runs.") : t("Runs only if {condition}", { condition: say(String(step.if)) });
}

export function waiting(step: Step, titleOf: (id: string) => string): string {
  const needs = step.needs;
  if (!Array.isArray(needs)) return t("Waits for all steps before it.");
  return needs.length === 0 ? t("Waits for no other step.") : t("Waits for {titles}.", { titles: needs.map((id) => titleOf(String(id))).join(", ") });
}

export function repetition(step: Step, say: (list: string) => string = inside): string {
  if (step.foreach === undefined) return t("Runs once.");
  const atOnce = typeof step.parallel === "number" && step.parallel > 1 ? t(", {count} at once", { count: step.parallel }) : "";
  const name = typeof step.as === "string" ? step.as : "item";
  return t("Repeats for each {name} in {list}", { name, list: say(String(step.foreach)) }) + atOnce;
}

export function attempts(step: Step): string {
  const retry = step.retry;
  if (!isObject(retry)) return t("Tries again as usual after a failure.");
  const count = retry.attempts ?? 3;
  if (count === 1) return t("Tries once.");
  const pause = retry.backoff_seconds ?? 1;
  const times = isExpression(count) ? inside(count) : t("{count} times", { count: inside(count) });
  return t("Tries {times}, first again after {seconds}.", { times, seconds: seconds(pause) });
}

export function time(step: Step): string {
  if (step.timeout_seconds === undefined) return t("Takes at most the usual time.");
  const limit = seconds(step.timeout_seconds);
  return step.steps === undefined ? t("Takes at most {limit} for each attempt.", { limit }) : t("Takes at most {limit}.", { limit });
}

export function failure(step: Step): string {
  if (isObject(step.on_error)) return t("If it fails, other steps run in its place.");
  return step.on_error === "continue" ? t("If it fails, the run goes on without it.") : t("If it fails, the run fails.");
}

export function approval(step: Step): string {
  const rule = isObject(step.approve) ? (step.approve.when ?? "") : (step.approve ?? "");
  switch (rule) {
    case "always":
      return t("A person approves each call first.");
    case "when_outside":
      return t("A person approves calls with text from outside first.");
    case "never":
      return t("Nobody needs to approve it.");
    default:
      return t("Approval follows the rules of the workflow and of the step type.");
  }
}
