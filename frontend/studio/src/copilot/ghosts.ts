// The marks of a proposal on the canvas: what is new, changed or gone, by step.
import type { Operation } from "../api";
import { t } from "../language";
import { left } from "./choice";
import type { Proposal, StepChange } from "./shapes";

export type Sign = "+" | "~" | "−";

export interface Ghost {
  // The id of the step in the proposed text.
  step: string;
  sign: Sign;
  title: string;
}

// A step that is not there yet, and where it would be: after or before a step that is there, or at the end of a list.
export interface NewStep extends Ghost {
  after?: string;
  before?: string;
  into?: string;
}

export interface Ghosts {
  proposal: string;
  // The steps of the draft that would change, by their ids in the draft.
  steps: ReadonlyMap<string, Ghost>;
  added: readonly NewStep[];
}

// Return a mark in words.
export const ghostWords = ({ sign }: Ghost): string =>
  sign === "+" ? t("new in the proposal") : sign === "−" ? t("removed by the proposal") : t("changed by the proposal");

export const signOf = (change: StepChange): Sign => (change.kind === "added" ? "+" : change.kind === "removed" ? "−" : "~");

// Return the marks of the changes that are left of a proposal.
export function ghostsOf(proposal: Proposal): Ghosts {
  const before = renamedBack(proposal.ops);
  const changes = left(proposal).filter((one) => one.step !== "");
  const steps = new Map<string, Ghost>();
  for (const one of changes) {
    if (one.kind !== "added") steps.set(before(one.step), { step: one.step, sign: signOf(one), title: one.title });
  }
  const added = changes.filter((one) => one.kind === "added").map((one) => ({ step: one.step, sign: signOf(one), title: one.title, ...placeOf(proposal.ops, one.step) }));
  return { proposal: proposal.id, steps, added };
}

type Place = Pick<NewStep, "after" | "before" | "into">;

// Return where an operation adds a step; one that is added beside another new one stands where that one does.
function placeOf(ops: readonly Operation[], id: string, seen: readonly string[] = []): Place {
  const op = ops.find((one) => (one.op === "add" && has(one.step, id)) || (one.op === "wrap" && one.group?.id === id));
  if (op?.op === "wrap") return op.steps[0] ? { before: op.steps[0] } : {};
  if (op?.op !== "add") return {};
  const near = op.after ?? op.before ?? op.into;
  if (near && !seen.includes(near) && ops.some((one) => one.op === "add" && has(one.step, near))) return placeOf(ops, near, [...seen, id]);
  return { after: op.after, before: op.before, into: op.into };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const has = (step: any, id: string): boolean => step?.id === id || (Array.isArray(step?.steps) && step.steps.some((one: unknown) => has(one, id)));

// Return the id that a step has in the draft, before the operations rename it.
function renamedBack(ops: readonly Operation[]): (id: string) => string {
  const old = new Map<string, string>();
  for (const one of ops) {
    if (one.op !== "rename") continue;
    old.set(one.to, old.get(one.step) ?? one.step);
    old.delete(one.step);
  }
  return (id) => old.get(id) ?? id;
}
