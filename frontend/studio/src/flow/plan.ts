// What a try would have written, in words: it reads once, and its writes are only planned.
import { said, t, tn } from "../language";
import type { Run } from "../panel/account";

interface PlannedWrite {
  // The path in the workflow.
  path: string;
  title: string;
  count: number;
  // Whether a person approves it first.
  asks: boolean;
}

export interface Plan {
  status: string;
  writes: PlannedWrite[];
  // Made by an earlier run: they stay as they are.
  kept: number;
  // Runs of other workflows, which have plans of their own.
  called: number;
  // What there was none of; "" if there was something, or no list.
  lacks: string;
  error: string;
}

// Return what a run would have written; null if it is no try.
export function planOf(run: Run): Plan | null {
  if (!run.options?.plan) return null;
  const writes = new Map<string, PlannedWrite>();
  for (const { path, title, planned } of run.steps) {
    if (planned?.write !== "new") continue;
    const place = path.replaceAll(/\[[^\]]*\]/g, "");
    const before = writes.get(place);
    writes.set(place, { path: place, title: title ?? place, count: (before?.count ?? 0) + 1, asks: (before?.asks ?? false) || planned.asks === true });
  }
  const loops = run.steps.filter(({ path, items }) => items !== undefined && !path.includes("."));
  return {
    status: run.status,
    writes: [...writes.values()],
    kept: run.steps.filter(({ planned }) => planned?.write === "kept").length,
    called: run.steps.filter((one) => one.child_run_id).length,
    lacks: loops.length > 0 && loops.every(({ items }) => items?.length === 0) ? (loops[0]!.noun ?? t("item")).replaceAll("_", " ") : "",
    error: said(run.error?.message ?? ""),
  };
}

export function planWords({ status, writes, kept, called, lacks, error }: Plan): string {
  const said = [t("Nothing was written.")];
  if (status !== "succeeded") return [...said, t("The try did not come to its end."), error].filter(Boolean).join(" ");
  if (lacks && writes.length === 0) return [t("There was nothing to look at: no {noun} fits.", { noun: lacks }), ...said].join(" ");
  const each = writes.map(({ title, count, asks }) => tn("{title} (once{more})", "{title} ({count} times{more})", count, { title, more: asks ? t(", after a person has approved it") : "" }));
  if (each.length > 0) said.push(t("It would do this: {writes}.", { writes: each.join(", ") }));
  if (kept > 0) said.push(tn("{count} earlier write stays as it is.", "{count} earlier writes stay as they are.", kept));
  if (called > 0) said.push(tn("{count} called workflow has a plan of its own.", "{count} called workflows have plans of their own.", called));
  if (said.length === 1) said.push(t("It would write nothing."));
  return said.join(" ");
}
