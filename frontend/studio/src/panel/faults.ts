// Where the code of a step is wrong: the line that an error names.
import type { CanvasStep, Definition } from "../api";
import { stepIn } from "../document";
import type { Run } from "./account";

export interface Fault {
  run: string;
  step: string;
  // The code that was run: what is written since may have other lines.
  code: string;
  line: number;
}

const PLACE = /^Line (\d+) (?:of the code|is no)/;

// Return the line of the code that a message names, as engine/sandbox/code/running.py words it.
export function lineIn(message: string): number | undefined {
  const found = PLACE.exec(message);
  return found ? Number(found[1]) : undefined;
}

// Return where the code of a step has failed in a run, if it has.
export function faultIn(run: Run, step: CanvasStep, definition: Definition): Fault | undefined {
  const code = (stepIn(definition, step.id) as { with?: { code?: unknown } } | undefined)?.with?.code;
  const messages = run.steps.filter(({ path }) => path.replaceAll(/\[\d+\]/g, "") === step.path).map(({ error }) => error?.message ?? "");
  const line = messages.map(lineIn).find((one) => one !== undefined);
  return typeof code === "string" && line !== undefined ? { run: run.run_id, step: step.id, code, line } : undefined;
}
