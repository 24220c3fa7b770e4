// The panel of the selected steps: their fields as a form, when they run, their problems, and the last result.
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import type { CanvasStep, Definition, Operation, Problem, StepType } from "../api";
import { stepIn } from "../document";
import { N_, t, tn } from "../language";
import { Markdown } from "../Markdown";
import { connectionsFor, membersOf, namesFor, plainly } from "./account";
import { Pauses } from "../flow/DebugBar";
import type { Flow } from "../flow/flow";
import { arranged, sharedFields, type Shared } from "./sharedFields";
import { nameOf, valueOf, WORKFLOW } from "./places";
import { editsOf, keyOf } from "./edits";
import { showExpressions, useExpressionsShown } from "./expressionSwitch";
import { Field, isError, Problems, Refusal } from "./Field";
import type { Fault } from "./faults";
import { FormContext, isRefusedAt, placeOf, problemsAt, useForm, useUnfolded, type Form, type Triggers } from "./form";
import { LookSection, type Looking } from "./LookSection";
import { Peek } from "./Peek";
import { Predicted } from "./Predicted";
import { Result } from "./Result";
import { predicted, samplesOf, type Samples } from "./samples";
import type { Schema } from "./schema";
import { namesIn } from "./stepFields";
import { headOf, TriggerForm } from "./TriggerForm";
import { useLoaded } from "./useLoaded";
import { isExpression, isSame } from "./values";
import { StepField, When } from "./When";
import { WorkflowForm } from "./WorkflowForm";

export interface PanelProps {
  workflow: string;
  // Identifies the person, so that nobody sees what another person has typed.
  owner: string;
  steps: CanvasStep[];
  selected: CanvasStep[];
  // The parsed text of the draft.
  definition: Definition;
  // Names the text that the server has.
  rev: string | null;
  problems: Problem[];
  readOnly: boolean;
  // Resolves when the server has stored the operations; rejects if it refused them.
  // `base`: the text that they were made for, null for the newest.
  send(ops: Operation[], base: string | null): Promise<string>;
  stepTypes(): Promise<StepType[]>;
  stepSchema: Schema;
  // The run that is shown on the canvas.
  flow: Flow;
  // The trigger that is shown in place of the selected steps, or the form that adds one.
  trigger: number | "new" | null;
  triggers: Triggers;
  // Ask the co-pilot about the run in which code has failed.
  onAskWhy?: ((run: string) => void) | undefined;
  looking?: Looking;
  onClose(): void;
}

export function Panel(props: PanelProps) {
  const { workflow, definition, readOnly, selected, trigger } = props;
  const edits = editsOf(`${props.owner}/${workflow}`);
  edits.follow(definition, props.send, props.rev);
  useSyncExternalStore(edits.subscribe, edits.snapshot, edits.snapshot);

  const ids = trigger === null ? selected.map(({ id }) => id).join(" ") : `#${trigger}`;
  useEffect(() => {
    if (readOnly) return undefined;
    const flush = () => void edits.flush();
    flush();
    addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", flush);
    return () => {
      removeEventListener("pagehide", flush);
      document.removeEventListener("visibilitychange", flush);
      void edits.close();
    };
  }, [edits, readOnly, ids]);

  const triggerTypes = useLoaded(props.triggers.types, trigger === null ? "" : "types");
  const revision = useRevision(definition);
  const [fault, setFault] = useState<Fault>();
  const [only, ...more] = trigger === null ? selected : [];
  const [rev, runId] = [props.rev ?? "", props.flow.runId && props.flow.isOver ? props.flow.runId : ""];
  const newest = useLoaded(() => predicted(workflow, rev, runId), only && only.id !== WORKFLOW && more.length === 0 ? `${workflow} ${rev} ${runId}` : "");
  const lastSamples = useRef<{ path: string; samples: Samples }>({ path: "", samples: {} });
  if (newest.value !== undefined && only) lastSamples.current = { path: only.path, samples: samplesOf(newest.value, only.path) };
  const form: Form = {
    ...props,
    edits,
    samples: lastSamples.current.path === only?.path ? lastSamples.current.samples : undefined,
    fault,
    noteFault: setFault,
    names: () => namesFor(workflow, selected.map(({ id }) => id), revision.current),
  };
  const [first] = selected;
  if (!first) return null;
  return (
    <FormContext value={form}>
      <div className="studio-panel-form">
        <Head title={trigger !== null ? headOf(trigger, definition, triggerTypes.value) : selected.length === 1 ? first.title : tn("{count} step", "{count} steps", selected.length)} onClose={props.onClose} />
        <Unsent />
        {fault?.step === first.id && props.onAskWhy && (
          <p className="panel-problem" data-severity="error">
            {t("Line {line} of the code failed.", { line: fault.line })}{" "}
            <button type="button" className="studio-button" onClick={() => props.onAskWhy!(fault.run)}>
              {t("Ask the co-pilot why")}
            </button>
          </p>
        )}
        {trigger !== null ? <TriggerForm key={ids} which={trigger} triggers={props.triggers} /> : <Body key={ids} />}
      </div>
    </FormContext>
  );
}

function Head({ title, onClose }: { title: string; onClose(): void }) {
  const isRaw = useExpressionsShown();
  return (
    <header className="studio-panel-head">
      <h3>{title}</h3>
      <button type="button" className="studio-plain" onClick={onClose} aria-label={t("Close the panel")}>
        ✕
      </button>
      <label className="panel-check panel-quiet">
        <input type="checkbox" role="switch" checked={isRaw} onChange={(event) => showExpressions(event.target.checked)} />
        {t("Show expressions")}
      </label>
    </header>
  );
}

// Return a number that changes with the text.
function useRevision(definition: Definition) {
  const seen = useRef<Definition>(definition);
  const revision = useRef(0);
  if (seen.current !== definition) {
    seen.current = definition;
    revision.current += 1;
  }
  return revision;
}

// Refused changes of other steps, which may no longer exist.
function Unsent() {
  const form = useForm();
  if (form.readOnly) return null;
  const here = placeOf(form, []).steps;
  return form.edits.unkept
    .filter((one) => one.refused !== undefined && !isSame(one.place.steps, here))
    .map((one) => (
      <div key={keyOf(one.place)}>
        <p className="panel-quiet">
          Your change of {nameOf(one)}: <q>{typeof one.draft === "string" ? one.draft : JSON.stringify(one.value)}</q>
        </p>
        <Refusal edit={one} />
      </div>
    ));
}

function Body() {
  const form = useForm();
  const types = useLoaded(form.stepTypes, "types");
  const [first, ...others] = form.selected;
  if (!first) return null;
  const known = form.selected.map(({ uses }) => types.value?.find(({ name }) => name === uses));
  const isMany = others.length > 0;
  const { flow } = form;
  const predicted = flow?.showing === "predicted" ? flow.prediction?.steps.find(({ path }) => path === first.path) : undefined;
  const shown = flow?.showing === "live" || flow?.showing === "past" ? flow : undefined;
  if (first.id === WORKFLOW) return <WorkflowForm />;
  return (
    <>
      {isMany ? <p className="panel-quiet">{form.selected.map(({ title }) => title).join(", ")}. Changes apply to all of them.</p> : <About type={known[0]} />}
      {!isMany && predicted && <Predicted step={predicted} />}
      {!isMany && shown && <Pauses step={first} />}
      {!isMany && shown && <Result key={shown.runId} step={first} flow={shown} />}
      {!isMany && first.uses === "workflow.run" && <Peek />}
      {!isMany && <General type={known[0]} />}
      <Connection />
      {types.failure && <p className="panel-problem" data-severity="error">{types.failure}</p>}
      {types.value && known.every((one) => one !== undefined) && <Fields types={known} />}
      <When />
      {!isMany && <More />}
      {form.looking && <LookSection paths={form.selected.map(({ path }) => path)} readOnly={form.readOnly} {...form.looking} />}
      {!isMany && !shown && <Result step={first} />}
      {/* At the end: what appears when a field is left moves no button that was just pressed. */}
      {!isMany && first.note && (
        <aside className="studio-note-shown" aria-label={t("As it is shown")}>
          <Markdown text={first.note} />
        </aside>
      )}
    </>
  );
}

const EFFECTS: Record<string, string> = { pure: N_("Changes nothing outside"), reads: N_("Reads"), writes: N_("Writes") };

function About({ type }: { type: StepType | undefined }) {
  const { selected } = useForm();
  const isRaw = useExpressionsShown();
  const [step] = selected;
  if (!type) return step?.uses ? <p className="panel-quiet">{step.uses}</p> : <p className="panel-quiet">{t("A group of steps")}</p>;
  return (
    <p className="panel-quiet">
      {t(EFFECTS[type.effect] ?? type.effect)} · {isRaw && <><code>{type.name}</code> · </>}{type.description}
    </p>
  );
}

// The problems that belong to no field of the form, and what people call the step.
function General({ type }: { type: StepType | undefined }) {
  const form = useForm();
  const [step] = form.selected;
  const own = form.problems.filter((one) => one.step === step?.id);
  const isShown = ({ field, code }: Problem): boolean => {
    const [first = "", second] = field?.split(".") ?? [];
    if (first === "with") return type !== undefined && (second !== undefined || code === "missing_field");
    const section = form.stepSchema.properties?.[first]?.section;
    return first !== "id" && section !== undefined && section !== "elsewhere";
  };
  return (
    <>
      <Problems problems={own.filter((one) => !isShown(one))} />
      <StepField name="title" also={{ default: step?.title ?? "" }} />
    </>
  );
}

function Connection() {
  const form = useForm();
  const uses = [...new Set(form.selected.map((one) => one.uses))];
  const service = form.selected[0]?.service;
  const found = useLoaded(() => connectionsFor(uses[0] ?? ""), uses.length === 1 && service ? (uses[0] ?? "") : "");
  const stored = valueOf(form.definition, placeOf(form, ["connection"]));
  const names = found.value ?? [];
  const isNeeded = names.length > 1 || stored !== undefined || problemsAt(form, ["connection"]).length > 0;
  if (uses.length !== 1 || !service || !isNeeded) return null;
  return <StepField name="connection" also={{ enum: names }} />;
}

export function Fields({ types }: { types: StepType[] }) {
  const form = useForm();
  const fields = [...sharedFields(types), ...unknownFields(form, types)];
  const connection = valueOf(form.definition, placeOf(form, ["connection"]));
  const account = typeof connection === "string" && !isExpression(connection) ? connection : "";
  // Which fields come first is decided when the step is selected, so that none moves while somebody writes.
  const { order, isFirst } = useMemo(
    () => arranged(fields, ({ name }) => form.selected.some(({ id }) => stepHas(form, id, name))),
    [types.map(({ name }) => name).join()],
  );
  const inOrder = fields.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  const rest = inOrder.filter(({ name }) => !isFirst.has(name));
  const problems = rest.flatMap(({ name }) => problemsAt(form, ["with", name]));
  const isOpen = useUnfolded(problems.length > 0 || rest.some(({ name }) => isRefusedAt(form, ["with", name])));
  const field = (one: Shared) => <TypeField key={one.name} {...one} connection={account} />;
  if (fields.length === 0) return types.length > 1 ? <p className="panel-quiet">{t("These steps have no fields in common but the following.")}</p> : null;
  return (
    <section aria-label={t("Fields")}>
      {inOrder.filter(({ name }) => isFirst.has(name)).map(field)}
      {rest.length > 0 && (
        <details open={isOpen}>
          <summary>{tn("{count} more field", "{count} more fields", rest.length)}</summary>
          {rest.map(field)}
        </details>
      )}
    </section>
  );
}

// Return the fields in a step that its type does not have, so that they can be seen and removed.
function unknownFields(form: Form, types: StepType[]): Shared[] {
  const given = types.length === 1 ? valueOf(form.definition, placeOf(form, ["with"])) : undefined;
  if (!given || typeof given !== "object") return [];
  const known = (types[0]?.fields_schema as Schema).properties ?? {};
  return Object.keys(given)
    .filter((name) => !(name in known))
    .map((name) => ({ name, schema: { title: name }, root: {}, isRequired: false }));
}

const stepHas = (form: Form, id: string, name: string): boolean =>
  valueOf(form.definition, { steps: [id], path: ["with", name] }) !== undefined;

function TypeField({ name, schema, root, isRequired, connection }: Shared & { connection: string }) {
  const form = useForm();
  const [step] = form.selected;
  const source = name === "variables" ? "prompt" : name === "inputs" ? "workflow" : "";
  const named = source ? valueOf(form.definition, placeOf(form, ["with", source])) : undefined;
  const target = typeof named === "string" && !named.includes("{{") ? (named.split("@")[0] ?? "") : "";
  const members = useLoaded(
    async () => (target ? membersOf(source === "prompt" ? "prompts" : "workflows", target) : []),
    `${step?.id} ${source} ${target}`,
  );
  return <Field path={["with", name]} schema={schema} root={root} name={name} isRequired={isRequired} connection={connection} members={members.value} />;
}

export function More() {
  const form = useForm();
  const [step] = form.selected;
  const isGroup = stepIn(form.definition, step?.id ?? "")?.steps !== undefined;
  const inside = namesIn(form.stepSchema, "about").filter((name) => !["title", "connection"].includes(name));
  const isOpen = useUnfolded(inside.some((name) => isRefusedAt(form, [name]) || problemsAt(form, [name]).some(isError)));
  const names = async () => plainly((await form.stepTypes()).map(({ name }) => name));
  return (
    <details open={isOpen}>
      <summary>{t("Name, type and note")}</summary>
      <StepField name="id" also={{ description: N_("Changing it changes all references, too.") }} isSentLate />
      {isGroup ? <StepField name="output" /> : <StepField name="uses" choices={names} isSentLate />}
      {inside.filter((name) => !["id", "uses", "output"].includes(name)).map((name) => <StepField key={name} name={name} />)}
    </details>
  );
}
