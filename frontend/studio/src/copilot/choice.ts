// What a person has chosen of a proposal, and whether that may be accepted. The server checks all of it again.
import type { Proposal, StepChange, Tick } from "./shapes";

export interface Choice {
  // The steps of the changes, "" for the workflow.
  steps: ReadonlySet<string>;
  // The ids of the points that the person agrees to.
  ticks: ReadonlySet<string>;
  // What the server asked for when it refused.
  demanded: readonly Tick[];
}

export const isOpen = (proposal: Proposal): boolean => proposal.status === "open" || proposal.status === "partly_accepted";

// Return the changes that have not been accepted yet.
export const left = (proposal: Proposal): StepChange[] => proposal.changes.filter((one) => !proposal.accepted.includes(one.step));

// Return the choice at first: all changes, no point agreed to.
export const begun = (proposal: Proposal): Choice => ({ steps: new Set(left(proposal).map((one) => one.step)), ticks: new Set(), demanded: [] });

// Return the steps that are accepted together with one, because they share operations with it.
export function together(proposal: Proposal, step: string): string[] {
  const found = new Set([step]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    const ops = new Set(proposal.changes.filter((one) => found.has(one.step)).flatMap((one) => one.ops));
    for (const one of left(proposal)) if (one.ops.some((index) => ops.has(index))) found.add(one.step);
  }
  return [...found];
}

// Return the choice with the changes of a step, and those that belong to them, chosen or not.
export function withStep(proposal: Proposal, choice: Choice, step: string, isChosen: boolean): Choice {
  const steps = new Set(choice.steps);
  for (const one of together(proposal, step)) {
    if (isChosen) steps.add(one);
    else steps.delete(one);
  }
  return { ...choice, steps };
}

export function withTick(choice: Choice, id: string, isGiven: boolean): Choice {
  const ticks = new Set(choice.ticks);
  if (isGiven) ticks.add(id);
  else ticks.delete(id);
  return { ...choice, ticks };
}

// Return the choice after the server has refused it for want of ticks.
export const demandedOf = (choice: Choice, ticks: readonly Tick[]): Choice => ({ ...choice, demanded: ticks });

// Return all points to agree to: the points of the proposal, and what the server has found since.
export function ticksOf(proposal: Proposal, choice: Choice): Tick[] {
  const known = new Set(proposal.ticks.map((one) => one.id));
  return [...proposal.ticks, ...choice.demanded.filter((one) => !known.has(one.id))];
}

export interface Acceptance {
  // Why it cannot be accepted now; "" if it can be tried.
  why: "" | "closed" | "stale" | "problems" | "nothing" | "ticks";
  // The points that are not agreed to yet.
  missing: Tick[];
  // What is sent: no steps for all of them.
  steps: string[] | null;
  ticks: string[];
}

// Return whether a choice may be accepted. Of a part, only the server knows the points that it brings: it demands them.
export function acceptance(proposal: Proposal, choice: Choice): Acceptance {
  const open = left(proposal).map((one) => one.step);
  const steps = open.filter((one) => choice.steps.has(one));
  const isAll = steps.length === open.length;
  const isWhole = isAll && proposal.accepted.length === 0;
  const needed = isWhole ? ticksOf(proposal, choice) : choice.demanded;
  const missing = needed.filter((one) => !choice.ticks.has(one.id));
  const why =
    proposal.status === "stale" ? "stale" : !isOpen(proposal) ? "closed" : steps.length === 0 ? "nothing" : isWhole && !proposal.is_acceptable ? "problems" : missing.length > 0 ? "ticks" : "";
  return { why, missing, steps: isAll ? null : steps, ticks: [...choice.ticks] };
}
