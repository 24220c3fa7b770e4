import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import type { Problem } from "../src/api";
import { faultyOutput, resultOf } from "../src/outputs";
import { Context, type Surroundings } from "../src/ui/context";
import { Result } from "../src/ui/StepCard";

const definition = { steps: [], outputs: { count: 1, text: "{{ steps.hello.output.text }}", text2: "" } };
const problem = (step: string | null, field: string, severity: Problem["severity"] = "error") => ({ step, field, severity, message: "", remedy: "" }) as Problem;

test("the card of the result counts the problems of the outputs, and no others", () => {
  const problems = [problem(null, "outputs.text"), problem(null, "outputs.text2", "warning"), problem("hello", "outputs.text"), problem(null, "inputs"), problem(null, "outputs_of_others")];
  expect(resultOf({ definition, problems })).toEqual({ text: "count, text, text2", errors: 1, warnings: 1 });
  expect(resultOf({ definition: { steps: [] }, problems: [] })).toBeNull();
});

test("a click on it leads to the first output with a problem", () => {
  expect(faultyOutput({ definition, problems: [problem(null, "outputs.text.0")] })).toBe(1);
  expect(faultyOutput({ definition, problems: [problem(null, "outputs.text2")] })).toBe(2);
  expect(faultyOutput({ definition, problems: [] })).toBe(0);
});

test("the card is a button with a badge", () => {
  const shown = renderToStaticMarkup(
    <Context.Provider value={{ run: () => undefined } as unknown as Surroundings}>
      <Result look={{ text: "text", errors: 1, warnings: 0 }} />
    </Context.Provider>,
  );
  expect(shown).toMatch(/^<button.*Result.*1 error/);
});
