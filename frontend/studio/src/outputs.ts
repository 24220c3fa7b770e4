// What a run returns, and its problems, which belong to no step.
import type { Definition, Problem } from "./api";

// What the card of the result shows.
export interface ResultLook {
  text: string;
  errors: number;
  warnings: number;
}

interface Shown {
  definition: Definition | null;
  problems: Problem[];
}

const namesIn = (definition: Definition | null): string[] => {
  const { outputs } = definition ?? {};
  return outputs !== null && typeof outputs === "object" ? Object.keys(outputs) : [];
};

const problemsOf = ({ problems }: Shown): Problem[] => problems.filter(({ step, field }) => step === null && (field === "outputs" || field?.startsWith("outputs.")));

// Return what the card shows; null if nothing is returned.
export function resultOf(view: Shown): ResultLook | null {
  const names = namesIn(view.definition);
  if (names.length === 0) return null;
  const problems = problemsOf(view);
  const errors = problems.filter((one) => one.severity === "error").length;
  return { text: names.join(", "), errors, warnings: problems.length - errors };
}

// Return the number of the first output that has a problem, or else of the first one.
export function faultyOutput(view: Shown): number {
  const fields = problemsOf(view).map(({ field }) => field ?? "");
  const has = (name: string) => fields.some((field) => field === `outputs.${name}` || field.startsWith(`outputs.${name}.`));
  return Math.max(0, namesIn(view.definition).findIndex(has));
}
