// What can be said with one click: the commands that work without a model, and the questions of the demo.
import { N_ } from "../language";
import type { AboutRun, Subject } from "./copilot";

export interface Command {
  text: string;
  // Whether it is sent as it is; else the person goes on typing.
  isWhole: boolean;
}

const whole = (text: string): Command => ({ text, isWhole: true });
const begun = (text: string): Command => ({ text, isWhole: false });

// Return the commands for a step, or without one for the whole workflow (engine/copilot/without_model/commands.py has their forms).
export function commandsFor(step: Subject | undefined): Command[] {
  const ofWorkflow = [whole("explain"), whole("fix"), whole("why did it fail")];
  if (!step) return ofWorkflow;
  const asks = step.effect === "writes" ? [whole(`ask me before ${step.id}`)] : [];
  return [...ofWorkflow, ...asks, whole(`retry ${step.id} 5 times`), begun(`set ${step.id}.`), begun(`rename ${step.id} to `), whole(`remove ${step.id}`)];
}

// Return the commands for the page of a run.
export const commandsOfRun = ({ hasFailed }: AboutRun): Command[] => (hasFailed ? ["why did it fail", "explain", "fix"] : ["explain"]).map(whole);

// The questions that the demo's model answers, as they are sent (demo/model/copilot.py).
export const DEMO_QUESTIONS: readonly string[] = [
  N_("What does this workflow do?"),
  N_("What starts it?"),
  N_("Which steps write something?"),
  N_("Would a second run write the same again?"),
  N_("What happens if a step fails?"),
  N_("Why did the last run fail?"),
  N_("Ask me before each write, and try it in the demo."),
  N_("Try each step that uses a service three times."),
  N_("Start it every weekday at 8."),
  N_("Put a note on each step that asks a model."),
];
