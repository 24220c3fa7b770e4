// Where a walk through a run begins, and the pages on which a step can be tried again.
import type { Stop, Story } from "./shapes";

// Return the first step that failed (a loop fails because of one inside), or else the first one.
export function stoppedAt({ stops }: Story): number {
  const failed = (one: Stop) => one.status === "failed";
  const cause = stops.findIndex((one) => failed(one) && one.uses);
  return Math.max(0, cause < 0 ? stops.findIndex(failed) : cause);
}

// Return the address of the step on the page of its run, and of the test of the workflow with its output.
export function pagesOf({ run_id, workflow }: Story, { path }: Stop): { only: string; pin: string } {
  const row = path.replace(/^([^.]*?(\[\d+\])?)(\..*)?$/, "$1");
  const to = (page: string, values: Record<string, string>) => `/${page}?${new URLSearchParams(values)}`;
  return { only: to("run", { id: run_id, open: row, step: path }), pin: to("workflow", { name: workflow, pin: run_id, step: path }) };
}
