// A step as it is drawn: a card, or the frame of a group with its head.
import { type Node as FlowNode, type NodeProps } from "@xyflow/react";
import { memo, type CSSProperties, type ReactNode } from "react";

import type { StepLook } from "../api";
import { Markdown } from "../Markdown";
import { ghostWords, type Ghost } from "../copilot/ghosts";
import type { Mark } from "../flow/marks";
import { giveWords } from "../flow/prediction";
import { t, tn } from "../language";
import { FAILURE } from "../layout";
import type { Model, Node } from "../model";
import type { ResultLook } from "../outputs";
import { colorOf, ownWords } from "../own";
import { keyOf } from "../panel/edits";
import { useSurroundings } from "./context";
import type { TriggerLook } from "./drawn";
import { Icon, type IconName } from "./icons";
import { insideSentence, wordOf, type Said } from "./looks";
import { RenameForm } from "./RenameForm";
import { StepIcon } from "./StepIcon";

export interface StepData extends Record<string, unknown> {
  node: Node;
  // Everything that is drawn, as text: a card with the same look is not drawn again.
  look: string;
  services: Record<string, string>;
  errors: number;
  warnings: number;
  // What the run that is shown says, or the prediction.
  mark: Mark | null;
  isCurrent: boolean;
  isFolded: boolean;
  isRenamed: boolean;
  isDim: boolean;
  isFound: boolean;
  isNever: boolean;
  hasBreakpoint: boolean;
  // What the open proposal would do with it.
  ghost: Ghost | null;
  inside: number;
  // How many lines its title has at most.
  lines: number;
  own: StepLook | undefined;
  // The condition, and the list of a loop.
  said: Said;
  isSizable: boolean;
}

type StepNode = FlowNode<StepData>;

// Return whether a card is drawn as before. Where it stands is not its own business.
const isSame = (one: NodeProps<FlowNode>, other: NodeProps<FlowNode>) =>
  one.data.look === other.data.look && one.data.services === other.data.services && one.selected === other.selected && one.width === other.width;

function Problems({ errors, warnings }: { errors: number; warnings: number }) {
  if (errors + warnings === 0) return null;
  const word = errors > 0 ? tn("{count} error", "{count} errors", errors) : tn("{count} warning", "{count} warnings", warnings);
  return (
    <span className="studio-badge" data-tone={errors > 0 ? "error" : "warning"}>
      <Icon name="failure" size={13} /> {word}
    </span>
  );
}

export function MarkBadge({ mark }: { mark: Mark | null }) {
  if (!mark) return null;
  const { status, words, icon, difference, isPredicted } = mark;
  return (
    <>
      {(status || isPredicted || difference) && (
        <span className="studio-badge" data-status={status} data-predicted={isPredicted || undefined} title={words}>
          <Icon name={icon} size={13} /> <span className="studio-badge-words">{words}</span>
        </span>
      )}
      {difference && (
        <span className="studio-badge" data-differs title={difference}>
          <Icon name="branch" size={13} /> <span className="studio-badge-words">{difference}</span>
        </span>
      )}
    </>
  );
}

// Return what a reader hears of a card.
function spokenOf({ node, services, errors, warnings, mark, isNever, hasBreakpoint, ghost, own, said }: StepData, isSelected: boolean): string {
  return [labelOf(node, said, services, errors + warnings, mark, hasBreakpoint), ghost && ghostWords(ghost), own && ownWords(own), isNever && t("never runs"), isSelected && t("selected")].filter(Boolean).join(", ");
}

// Return what a reader of the screen hears of a step.
function labelOf(node: Node, said: StepData["said"], services: Record<string, string>, problems: number, mark: Mark | null, hasBreakpoint = false): string {
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
    said.each && insideSentence(said.each),
    said.condition && t("runs if {condition}", { condition: said.condition }),
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

// Tell readers the number of each step, also of those whose card is drawn as before.
export function renumber(field: Element, nodes: readonly FlowNode[], model: Model): void {
  const drawn = new Map(nodes.map((one) => [one.id, one]));
  for (const element of field.querySelectorAll<HTMLElement>("[data-step]")) {
    const key = element.dataset.step!;
    const [one, node] = [drawn.get(key), model.nodes.get(key)];
    if (!one || !node) continue;
    const label = spokenOf({ ...(one.data as StepData), node }, one.selected ?? false);
    if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
  }
}

// The element that has the focus, with what a reader hears.
function Focus({ data, selected, className, children }: { data: StepData; selected: boolean; className: string; children: ReactNode }) {
  const { node, mark } = data;
  return (
    <div
      className={className}
      data-step={node.key}
      data-kind={node.step.kind}
      data-uses={node.step.uses}
      data-dim={data.isDim || undefined}
      data-found={data.isFound || undefined}
      data-never={data.isNever || undefined}
      data-selected={selected || undefined}
      data-status={mark?.status || undefined}
      data-predicted={mark?.isPredicted || undefined}
      data-ghost={data.ghost?.sign}
      data-sign-of={data.ghost?.sign}
      data-color={data.own?.color || undefined}
      style={styleOf(data.own, data.lines)}
      role="group"
      aria-roledescription={t("step")}
      aria-label={spokenOf(data, selected)}
      tabIndex={data.isCurrent ? 0 : -1}
    >
      {children}
      {data.ghost && <GhostMark ghost={data.ghost} />}
      <span className="studio-plug nodrag nopan" data-plug={node.key} title={t("Drag to the step that shall wait for this one")} />
      <span className="studio-plug studio-source nodrag nopan" data-data={node.key} title={t("Drag to the field that shall use an output of this step")} />
      {data.isSizable && <span className="studio-corner nodrag nopan" data-resize={node.key} title={t("Drag to change the size; a double click makes it automatic")} />}
    </div>
  );
}

// What a step has of its own, for the styles of its card.
export function styleOf(own: StepLook | undefined, lines?: number): CSSProperties {
  const color = colorOf(own?.color ?? "");
  return { ...(lines === undefined ? {} : { "--lines": lines }), ...(color ? { "--kind": color } : {}) } as CSSProperties;
}

// The mark of a proposal on a step; it scrolls to the change.
export function GhostMark({ ghost, isNamed = false }: { ghost: Ghost; isNamed?: boolean }) {
  const { studio } = useSurroundings();
  const words = ghostWords(ghost);
  return (
    <button
      type="button"
      className="studio-ghost nodrag nopan"
      data-sign-of={ghost.sign}
      tabIndex={-1}
      aria-label={`${ghost.title}: ${words}`}
      title={words}
      onClick={(event) => {
        event.stopPropagation();
        const { ghosts } = studio.copilot;
        if (ghosts) studio.copilot.reveal(ghosts.proposal, ghost.step);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <span className="copilot-sign" aria-hidden="true">
        {ghost.sign}
      </span>
      {isNamed && ghost.title}
    </button>
  );
}

export function BreakpointDot() {
  return <span className="studio-breakpoint" title={t("Breakpoint: a debug run pauses before this step (B)")} />;
}

// The note itself shows while the pointer is on its mark, and while the step has the focus of the keyboard.
function NoteMark({ note }: { note: string }) {
  return (
    <span className="studio-has-note">
      <Icon name="note" size={15} />
      <span className="studio-note nodrag nopan">
        <Markdown text={note} />
      </span>
    </span>
  );
}

// A click shows where it is edited.
function Condition({ node, said: { condition, clause, more } }: StepData) {
  const { studio } = useSurroundings();
  if (!condition) return null;
  return (
    <button
      type="button"
      className="studio-condition nodrag nopan"
      tabIndex={-1}
      title={t("Runs only if {condition}", { condition })}
      onClick={(event) => {
        event.stopPropagation();
        studio.select([node.key], node.key);
        studio.showPanel();
        openField(event.currentTarget.ownerDocument, keyOf({ steps: [node.step.id], path: ["if"] }));
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <b>{t("if")}</b>
      <span className="studio-clause">{clause}</span>
      {more > 0 && <span>{t("and {count} more", { count: more })}</span>}
    </button>
  );
}

// So many frames the panel may take until it has its fields: they are loaded once.
const MOST_FRAMES = 120;

function openField(page: Document, key: string, frames = MOST_FRAMES): void {
  requestAnimationFrame(() => {
    const section = page.querySelector(`.studio-panel [data-field=${JSON.stringify(key)}]`)?.closest("details");
    if (!section) {
      if (frames > 0) openField(page, key, frames - 1);
      return;
    }
    section.open = true;
    section.querySelector("summary")?.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  });
}

export const StepCard = memo(function StepCard({ data, selected, width }: NodeProps<StepNode>) {
  const { node, services } = data;
  const { step } = node;
  return (
    <Focus data={data} selected={selected} className="studio-step">
      <Condition {...data} />
      {data.hasBreakpoint && <BreakpointDot />}
      <div className="studio-card">
        <span className="studio-kind">
          <StepIcon step={step} look={data.own} />
        </span>
        <span className="studio-words">
          <b className="studio-title" title={step.title}>
            {step.title}
          </b>
          <small className="studio-quiet">{data.isNever ? t("Never runs") : wordOf(step, services)}</small>
        </span>
        {step.foreach && <Icon name="loop" size={15} />}
        {step.note && <NoteMark note={step.note} />}
      </div>
      {(data.errors + data.warnings > 0 || data.mark) && (
        <span className="studio-badges">
          <Problems errors={data.errors} warnings={data.warnings} />
          <MarkBadge mark={data.mark} />
        </span>
      )}
      {data.isRenamed && <RenameForm node={node} width={width ?? 228} />}
    </Focus>
  );
}, isSame);

export const FrameCard = memo(function FrameCard({ data, selected }: NodeProps<StepNode>) {
  const { studio } = useSurroundings();
  const { node, services, isFolded, inside } = data;
  const { step } = node;
  return (
    <Focus data={data} selected={selected} className={isFolded ? "studio-frame studio-folded" : "studio-frame"}>
      <Condition {...data} />
      <div className="studio-frame-head">
        <button
          type="button"
          className="studio-fold nodrag nopan"
          tabIndex={-1}
          aria-expanded={!isFolded}
          aria-label={isFolded ? t("Unfold {title}", { title: step.title }) : t("Fold {title}", { title: step.title })}
          onClick={(event) => {
            event.stopPropagation();
            studio.fold(node);
          }}
        >
          <Icon name={isFolded ? "right" : "down"} size={16} />
        </button>
        <span className="studio-kind">
          <StepIcon step={step} look={data.own} />
        </span>
        <span className="studio-words">
          <b className="studio-title" title={step.title}>
            {step.title}
          </b>
          <small className="studio-quiet">
            {data.said.each || wordOf(step, services)}
            {typeof step.parallel === "number" && step.parallel > 1 && ` · ${t("{count} at once", { count: step.parallel })}`}
            {isFolded && ` · ${t("{count} inside", { count: inside })}`}
          </small>
        </span>
        {step.note && <NoteMark note={step.note} />}
        <Problems errors={data.errors} warnings={data.warnings} />
        <MarkBadge mark={data.mark} />
      </div>
      {data.isRenamed && <RenameForm node={node} width={260} />}
    </Focus>
  );
}, isSame);

type AsideNode = FlowNode<{ title: string; kind: "fallback" | "failure" }>;

export const AsideCard = memo(function AsideCard({ data }: NodeProps<AsideNode>) {
  return (
    <div className="studio-aside">
      <div className="studio-aside-head">
        <Icon name="failure" size={16} /> <b>{data.title}</b>
      </div>
    </div>
  );
}, isSame);

type StartNode = FlowNode<{ icon: IconName; title: string; text: string }>;

export const StartCard = memo(function StartCard({ data }: NodeProps<StartNode>) {
  const { studio, isEditable, run } = useSurroundings();
  return (
    <div className="studio-end" data-end="start" title={data.text}>
      <button type="button" className="studio-start nopan" onClick={() => run("workflow")}>
        <Icon name={data.icon} size={16} />
        <span className="studio-words">
          <b className="studio-title">{data.title}</b>
          {data.text && <small className="studio-quiet">{data.text}</small>}
        </span>
      </button>
      {isEditable && (
        <button type="button" className="studio-tool studio-add-trigger nodrag nopan" aria-label={t("Add a trigger")} title={t("Add a trigger")} onClick={() => studio.openTrigger("new")}>
          <Icon name="plus" size={13} />
          <Icon name="trigger" size={15} />
        </button>
      )}
    </div>
  );
}, isSame);

type EndNode = FlowNode<ResultLook & Record<string, unknown>>;

export const EndCard = memo(function EndCard({ data }: NodeProps<EndNode>) {
  return <Result look={data} />;
}, isSame);

// What a run returns, with its problems; a click shows where it is edited.
export function Result({ look: { text, errors, warnings } }: { look: ResultLook }) {
  const { run } = useSurroundings();
  return (
    <button type="button" className="studio-end nopan" data-end="end" title={text} onClick={() => run("outputs")}>
      <Icon name="end" size={16} />
      <span className="studio-words">
        <b className="studio-title">{t("Result")}</b>
        <small className="studio-quiet">{text}</small>
      </span>
      <Problems errors={errors} warnings={warnings} />
    </button>
  );
}

type TriggerNode = FlowNode<TriggerLook & Record<string, unknown>>;

export const TriggerCard = memo(function TriggerCard({ data }: NodeProps<TriggerNode>) {
  const { studio } = useSurroundings();
  return (
    <button type="button" className="studio-end nopan" data-end="trigger" data-on={data.isOn || undefined} aria-pressed={data.isChosen} aria-label={triggerLabel(data)} title={data.text} onClick={() => studio.openTrigger(data.index)}>
      <Icon name="trigger" size={16} />
      <span className="studio-words">
        <span className="studio-trigger-head">
          <b className="studio-title">{data.title}</b>
          {data.state && <small className="studio-trigger-state">{data.state}</small>}
        </span>
        <small className="studio-quiet studio-two-lines">{data.text}</small>
      </span>
    </button>
  );
}, isSame);

export const triggerLabel = ({ title, text, state }: TriggerLook): string => [t("Trigger"), title, text, state].filter(Boolean).join(", ");

type AdderNode = FlowNode<{ label: string; add(box: string): void }>;

export const AdderCard = memo(function AdderCard({ data, id }: NodeProps<AdderNode>) {
  return (
    <button type="button" className="studio-add nodrag nopan" tabIndex={-1} aria-label={data.label} title={data.label} onClick={() => data.add(id)}>
      <Icon name="plus" size={16} />
    </button>
  );
}, isSame);

export const nodeTypes = { step: StepCard, frame: FrameCard, fallback: AsideCard, failure: AsideCard, start: StartCard, end: EndCard, trigger: TriggerCard, adder: AdderCard };

export const isAside = (key: string): boolean => key === FAILURE || key.endsWith("#on_error");
