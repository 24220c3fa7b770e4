// The line that an error names is found where the engine names one, and only there.
import { expect, test } from "vitest";

import type { CanvasStep } from "../../src/api";
import type { Run } from "../../src/panel/account";
import { faultIn, lineIn } from "../../src/panel/faults";

test("a line is read from the engine's words", () => {
  expect(lineIn("Line 12 of the code failed (exit code 1): KeyError")).toBe(12);
  expect(lineIn("Line 2 is no Python: invalid syntax.")).toBe(2);
  expect(lineIn("The code printed: Line 2 of the code failed")).toBeUndefined();
});

test("a failed step gives its code and line", () => {
  const step = { id: "it", path: "all.it" } as CanvasStep;
  const definition = { steps: [{ id: "it", uses: "code.run", with: { code: "1/0" } }] };
  const failed = { steps: [{ path: "all[0].it", error: { message: "Line 1 of the code failed (exit code 1)" } }] } as unknown as Run;
  expect(faultIn(failed, step, definition)).toEqual({ step: "it", code: "1/0", line: 1 });
  expect(faultIn({ steps: [{ path: "all[0].it" }] } as unknown as Run, step, definition)).toBeUndefined();
});
