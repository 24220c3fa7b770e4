// What the routes of the co-pilot return: docs/copilot.md.
import type { Kind, Operation, Problem } from "../api";

export type TickKind = "destination" | "trigger" | "connection" | "write" | "instruction" | "guard" | "writes_again";

export interface StepChange {
  // Its id in the proposed text, or before if it is removed; "" for the workflow.
  step: string;
  kind: "added" | "changed" | "removed" | "moved" | "workflow";
  title: string;
  sentences: string[];
  // The indexes of its operations; one of several steps is listed with each of them.
  ops: number[];
}

export interface Tick {
  id: string;
  kind: TickKind;
  words: string;
}

export interface News {
  writes: string[];
  destinations: string[];
  triggers: string[];
  connections: string[];
  instructions: string[];
  guards: string[];
}

export interface DemoRun {
  run_id: string;
  status: string;
  writes: Record<string, number>;
  destinations: string[];
  second_run: { status: string; writes: number } | null;
  problems: string[];
  input_tokens: number;
  output_tokens: number;
  // null: a price is not known.
  cost_usd: number | null;
  // Questions to a person at which it ended, by step type.
  asks: Record<string, number>;
}

export interface Proposal {
  id: string;
  workflow: string;
  at: string;
  base_rev: string;
  ops: Operation[];
  why: string;
  source: "model" | "rules";
  problems: Problem[];
  is_acceptable: boolean;
  sentences: string[];
  diff: string;
  changes: StepChange[];
  news: News;
  writes_again: { step: string; words: string }[];
  untouched: { steps: number; are_byte_equal: boolean };
  ticks: Tick[];
  from_outside: boolean;
  demo: DemoRun | null;
  repairs: number;
  usage: { input_tokens: number; output_tokens: number; cost_usd: number | null } | null;
  status: "open" | "accepted" | "partly_accepted" | "rejected" | "stale";
  accepted: string[];
}

// What restoring the text from before an acceptance would change in the draft as it is now.
export interface Restoration {
  rev: string;
  sentences: string[];
  diff: string;
}

export interface Passage {
  page: string;
  page_title: string;
  title: string;
  anchor: string;
  excerpt: string;
}

export interface Button {
  label: string;
  kind: "ops" | "link" | "ask";
  ops: Operation[];
  href: string;
  text: string;
}

// A box of a diagram: a step, a group, or what runs if something has failed.
export interface DiagramNode {
  id: string;
  // "" for what runs if something has failed.
  step: string;
  // Of its step, or of the step that failed; "" for the run.
  title: string;
  kind: Kind;
  is_loop: boolean;
  is_conditional: boolean;
  is_about: boolean;
  // The id of the box around it.
  inside: string;
  // Its row in that box.
  level: number;
  // How many steps inside it are left out.
  hidden: number;
}

export interface Diagram {
  nodes: DiagramNode[];
  edges: { source: string; target: string }[];
  text: string;
  // How many steps at the end are left out.
  more: number;
}

export interface Part {
  kind: "text" | "code" | "question" | "proposal" | "buttons" | "passages" | "note" | "diagram";
  text: string;
  language: string;
  // Where code belongs, if anywhere.
  step: string;
  field: string;
  choices: string[];
  proposal_id: string;
  buttons: Button[];
  passages: Passage[];
  diagram?: Diagram | null;
  // Whether it has words of a run, which no model is sent.
  quotes_run: boolean;
}

// What a model used, in words.
export interface Call {
  tool: string;
  words: string;
  ok: boolean;
}

export interface Turn {
  id: string;
  at: string;
  asked: string;
  status: "working" | "done" | "stopped" | "limited" | "failed";
  source: "model" | "rules";
  parts: Part[];
  calls: Call[];
  problem: string;
  usage: { input_tokens: number; cached_tokens: number; output_tokens: number; cost_usd: number | null } | null;
  repairs: number;
  seconds: number;
  sent: { host: string; model: string; steps_with_values: string[]; from_outside: boolean } | null;
}

export interface Conversation {
  workflow: string;
  turns: Turn[];
  from_outside: boolean;
}

export interface Setup {
  is_available: boolean;
  is_on: boolean;
  is_agreed: boolean;
  // Whether the demo's model answers the questions that are shown.
  is_demo: boolean;
  why_not: string;
  service: string;
  host: string;
  model: string;
  limits: { calls: number; tokens: number; seconds: number; repairs: number };
  // What is sent to the host, a sentence each.
  sends: string[];
  price: { input_per_million: number; output_per_million: number } | null;
}

export interface Preview {
  host: string;
  model: string;
  messages: { role: string; text: string }[];
  // What the model may use, by name.
  tools: string[];
  // The JSON Schema that the answer of a small model must have, in place of tools.
  answer_schema: object | null;
  input_tokens: number;
  most_cost_usd: number | null;
}

// What a turn is about: all of it may be missing.
export interface Asking {
  text: string;
  selection: string[];
  run_id: string;
  // The paths of the steps whose values in the run may be sent.
  values: string[];
}

// A step of a run, and what happened there.
export interface Stop {
  path: string;
  id: string;
  title: string;
  // "" for a loop.
  uses: string;
  status: string;
  words: string;
  can_run_alone: boolean;
  can_be_pinned: boolean;
}

export interface Story {
  run_id: string;
  workflow: string;
  status: string;
  stops: Stop[];
  more: number;
}

// A change that mends a problem of the draft, and adds no other.
export interface Fix {
  // The index of the problem among the problems of the draft.
  problem: number;
  // Of the problem.
  code: string;
  // "" for the workflow.
  step: string;
  label: string;
  ops: Operation[];
}

export type Event =
  | { type: "turn"; id: string; source: Turn["source"] }
  | { type: "text"; text: string }
  | { type: "call"; call: Call }
  | { type: "proposal"; id: string }
  | { type: "part"; part: Part }
  | { type: "done"; turn: Turn };

const PART: Part = { kind: "text", text: "", language: "", step: "", field: "", choices: [], proposal_id: "", buttons: [], passages: [], quotes_run: false };

// Return a part with nothing in it but this.
export const part = (some: Partial<Part>): Part => ({ ...PART, ...some });
