// What all fields of a form share.
import { createContext, useContext, useRef } from "react";

import type { CanvasStep, Definition, Operation, Problem, StepType, TriggerBeginning, TriggerStatus, TriggerType } from "../api";
import type { Flow } from "../flow/flow";
import { t } from "../language";
import type { ScopeName } from "./completion";
import { WORKFLOW, type Path, type Place } from "./places";
import type { Edits } from "./edits";
import type { Fault } from "./faults";
import type { Looking } from "./LookSection";
import type { Samples } from "./samples";
import type { Schema } from "./schema";
import { isSame } from "./values";

export interface Form {
  workflow: string;
  selected: CanvasStep[];
  // All steps of the workflow.
  steps: CanvasStep[];
  definition: Definition;
  edits: Edits;
  problems: Problem[];
  readOnly: boolean;
  stepTypes(): Promise<StepType[]>;
  // The fields of every step; empty until they are loaded with the step types.
  stepSchema: Schema;
  send(ops: Operation[], base: string | null): Promise<string>;
  // The run that is shown on the canvas.
  flow?: Flow;
  // Where the code of a step failed when it was tried last.
  fault?: Fault | undefined;
  noteFault?(fault: Fault | undefined): void;
  // How the selected steps look on the canvas.
  looking?: Looking;
  // The triggers, where the workflow as a whole is shown.
  triggers?: Triggers;
  // What the fields of the selected step would be with the newest run, by name.
  samples?: Samples | undefined;
  // The names that expressions of the selected steps may use.
  names(): Promise<ScopeName[]>;
}

// The triggers of the workflow, and the actions that take effect at once.
export interface Triggers {
  types(): Promise<TriggerType[]>;
  // Of those that are in force; null until they are loaded.
  statuses: TriggerStatus[] | null;
  // Turn one on, or off if the beginning is null.
  turn(id: string, beginning: TriggerBeginning | null): Promise<void>;
  open(which: number | "new" | null): void;
}

export const FormContext = createContext<Form | undefined>(undefined);

export function useForm(): Form {
  const form = useContext(FormContext);
  if (!form) throw new Error(t("A field must be inside a form."));
  return form;
}

export const placeOf = (form: Form, path: Path): Place => ({ steps: form.selected.map(({ id }) => id), path });

// Return whether the server has refused what was typed at a field, or inside it.
export const isRefusedAt = (form: Form, path: Path): boolean =>
  form.edits.unkept.some(({ refused, place }) => refused !== undefined && isSame(place, placeOf(form, place.path)) && isSame(place.path.slice(0, path.length), path));

// Return whether a section is open at first: it stays so when what has opened it is mended.
export function useUnfolded(isUrgent: boolean): true | undefined {
  const is = useRef(false);
  is.current ||= isUrgent;
  return is.current || undefined;
}

// Return the problems of the selected steps at a field, or inside it.
export function problemsAt(form: Form, path: Path): Problem[] {
  const field = path.join(".");
  const ids = new Set(form.selected.map(({ id }) => id));
  return form.problems.filter(
    (one) => ids.has(one.step ?? WORKFLOW) && (one.field === field || one.field?.startsWith(`${field}.`)),
  );
}
