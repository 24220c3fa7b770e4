// How steps look: the word and the icon of each kind and status. Never a colour alone.
import type { CanvasStep, Kind } from "../api";
import type { Mark } from "../flow/marks";
import { giveWords } from "../flow/prediction";
import { N_, t, tn } from "../language";
import type { Node } from "../model";
import type { IconName } from "./icons";

const WORDS: Record<Kind, string> = {
  input: N_("Reads"),
  output: N_("Writes"),
  process: N_("Works internally"),
  agent: N_("Asks a model"),
  tool: N_("Uses a tool"),
  group: N_("Group"),
  unknown: N_("Unknown type"),
};

export const isLoop = (step: CanvasStep): boolean => step.foreach !== "";

// Return what a step does, in words: `Reads Gmail`.
export function wordOf(step: CanvasStep, services: Record<string, string>): string {
  if (step.uses === "workflow.run") return t("Runs a workflow");
  const word = kindWord(step.kind, isLoop(step));
  const service = services[step.service];
  return service && (step.kind === "input" || step.kind === "output") ? `${word} ${service}` : word;
}

export const kindWord = (kind: Kind, isLoop: boolean): string => (kind === "group" && isLoop ? t("For each") : t(WORDS[kind]));

export const iconOf = (step: CanvasStep): IconName => (step.kind === "group" && isLoop(step) ? "loop" : step.kind);

export interface StatusLook {
  word: string;
  icon: IconName;
}

const STATUSES: Record<string, StatusLook> = {
  pending: { word: N_("Pending"), icon: "pending" },
  running: { word: N_("Running"), icon: "running" },
  waiting: { word: N_("Waiting"), icon: "waiting" },
  paused: { word: N_("Paused"), icon: "pause" },
  succeeded: { word: N_("Succeeded"), icon: "done" },
  failed: { word: N_("Failed"), icon: "failed" },
  cancelled: { word: N_("Cancelled"), icon: "close" },
  queued: { word: N_("Queued"), icon: "pending" },
  interrupted: { word: N_("Interrupted"), icon: "waiting" },
  skipped: { word: N_("Skipped"), icon: "skipped" },
};

// Return how the status of a step in a run is shown.
export const lookOf = (status: string): StatusLook => translated(STATUSES[status]) ?? { word: status, icon: "pending" };

const translated = (look: StatusLook | undefined): StatusLook | undefined => look && { ...look, word: t(look.word) };

// Return a word as it is written inside a sentence.
export const insideSentence = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);

// Return what a reader of the screen hears of a step.
export function labelOf(node: Node, services: Record<string, string>, problems: number, mark: Mark | null, hasBreakpoint = false): string {
  const { step, block } = node;
  const place = { number: node.number, count: block.nodes.length, owner: block.owner?.step.title ?? "" };
  const where =
    block.kind === "failure"
      ? t("step {number} of {count} of what runs if the workflow fails", place)
      : block.kind === "fallback"
        ? t("step {number} of {count} of what runs if {owner} fails", place)
        : block.owner
          ? t("step {number} of {count} in {owner}", place)
          : t("step {number} of {count}", place);
  const parts = [
    step.title,
    wordOf(step, services),
    where,
    step.foreach && t("for each of {list}", { list: plainExpression(step.foreach) }),
    step.condition && t("runs if {condition}", { condition: step.condition }),
    node.inner && t("{count} steps inside", { count: node.inner.nodes.length }),
    node.fallback && t("has steps for when it fails"),
    step.note && t("has a note"),
    hasBreakpoint && t("has a breakpoint"),
    problems > 0 && tn("{count} problem", "{count} problems", problems),
    mark?.words,
    mark?.isPredicted && t("gives {what}", { what: giveWords({ type: mark.type, may_be_missing: mark.isHollow }) }),
    mark?.difference,
  ];
  return parts.filter(Boolean).join(", ");
}

export const plainExpression = (text: string): string => text.trim().replace(/^\{\{\s*/, "").replace(/\s*\}\}$/, "");
