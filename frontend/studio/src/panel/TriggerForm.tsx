// The form of a trigger: what it watches, what a run is given of each item, and whether it is on.
import { useState } from "react";

import { Refused, type Json, type TriggerStatus, type TriggerType } from "../api";
import { N_, said, t } from "../language";
import { connectionsOf } from "./account";
import { Choice, Field, Problems } from "./Field";
import { useExpressionsShown } from "./expressionSwitch";
import { FormContext, placeOf, problemsAt, useForm, type Form, type Triggers } from "./form";
import { valueOf, type Path } from "./places";
import type { Schema } from "./schema";
import { addedTrigger, itemNames, needsConsent, removedTrigger, stateWords, statusOf, titleOf, triggersIn, type Trigger } from "./triggers";
import { useLoaded } from "./useLoaded";
import { useSend } from "./useSend";

export function TriggerForm({ which, triggers }: { which: number | "new"; triggers: Triggers }) {
  const form = useForm();
  const types = useLoaded(triggers.types, "types");
  if (types.failure) return <p className="panel-problem" data-severity="error">{types.failure}</p>;
  if (!types.value) return <p className="panel-quiet">{t("Loading …")}</p>;
  if (which === "new") return <NewTrigger types={types.value.filter((one) => one.is_watched)} triggers={triggers} />;
  const trigger = triggersIn(form.definition).find(({ index }) => index === which);
  if (!trigger) return null;
  return <OneTrigger key={which} trigger={trigger} type={types.value.find(({ name }) => name === trigger.uses)} triggers={triggers} />;
}

function NewTrigger({ types, triggers }: { types: TriggerType[]; triggers: Triggers }) {
  const form = useForm();
  const [title, setTitle] = useState<Json | undefined>();
  const { send, failure } = useSend();
  const type = types.find((one) => one.title === title);
  const add = async () => {
    if (!type) return;
    const { operation, index } = addedTrigger(form.definition, type);
    if (await send([operation])) triggers.open(index);
  };
  return (
    <>
      <div className="panel-field">
        <label className="panel-label" htmlFor="panel-trigger-type">
          {t("What starts it?")}
        </label>
        <Choice id="panel-trigger-type" value={title} options={types.map((one) => one.title)} empty={t("Choose …")} isDisabled={form.readOnly} isInvalid={false} describedBy="panel-trigger-type-about" onChoose={setTitle} />
        <div id="panel-trigger-type-about" className="panel-about">
          {type && <p className="panel-quiet">{type.description}</p>}
          {failure && <p className="panel-problem">{failure}</p>}
        </div>
      </div>
      <button type="button" className="panel-add" disabled={!type} onClick={() => void add()}>
        {t("Add the trigger")}
      </button>
    </>
  );
}

function OneTrigger({ trigger, type, triggers }: { trigger: Trigger; type: TriggerType | undefined; triggers: Triggers }) {
  const form = useForm();
  const isRaw = useExpressionsShown();
  const { send, failure } = useSend();
  const place: Path = ["triggers", trigger.index];
  const own = ["", ".uses", ".with"].map((one) => place.join(".") + one);
  const general = problemsAt(form, place).filter((one) => own.includes(one.field ?? ""));
  const remove = async () => {
    if (await send([removedTrigger(form.definition, trigger.index)])) triggers.open(null);
  };
  return (
    <>
      <p className="panel-quiet">
        {(isRaw || !type) && (
          <>
            <code>{trigger.id}</code> · <code>{trigger.uses}</code>
          </>
        )}
        {isRaw && type && " · "}
        {type?.description}
      </p>
      <Problems problems={general} />
      <Switch trigger={trigger} type={type} triggers={triggers} />
      <Field path={[...place, "id"]} schema={{ type: "string", title: N_("Id"), isFixed: true, description: N_("A trigger with another id is a new one: after saving, turn it on again.") }} root={{}} name="id" isRequired />
      <Field path={[...place, "title"]} schema={{ type: "string", title: N_("Title of the trigger"), isFixed: true, default: type?.title ?? "" }} root={{}} name="title" />
      {type && <Watched trigger={trigger} type={type} place={place} />}
      {type && <Given type={type} place={place} />}
      <details>
        <summary>{t("How often it polls")}</summary>
        <Field path={[...place, "poll_seconds"]} schema={{ type: "number", title: N_("Seconds between polls"), isFixed: true, minimum: 1, maximum: 86_400, default: type?.poll_seconds ?? 60 }} root={{}} name="poll_seconds" />
      </details>
      {!form.readOnly && (
        <button type="button" className="panel-add" onClick={() => void remove()}>
          {t("Remove the trigger")}
        </button>
      )}
      {failure && <p className="panel-problem">{failure}</p>}
    </>
  );
}

// The fields of the type: they take no expressions, because a trigger looks before there is a run.
function Watched({ trigger, type, place }: { trigger: Trigger; type: TriggerType; place: Path }) {
  const form = useForm();
  const { service } = type;
  const found = useLoaded(() => connectionsOf(service ?? ""), service ?? "");
  const names = found.value ?? [];
  const root = type.fields_schema as Schema;
  const known = root.properties ?? {};
  const isNamed = valueOf(form.definition, placeOf(form, [...place, "connection"])) !== undefined;
  const hasChoice = service !== null && (names.length > 1 || isNamed || problemsAt(form, [...place, "connection"]).length > 0);
  const unknown = Object.keys(trigger.fields).filter((name) => !(name in known));
  return (
    <section aria-label={t("What it watches")}>
      {hasChoice && <Field path={[...place, "connection"]} schema={{ type: "string", title: N_("Connection"), isFixed: true, description: N_("Whose account it watches."), enum: names }} root={{}} name="connection" />}
      {Object.entries(known).map(([name, schema]) => (
        <Field key={name} path={[...place, "with", name]} schema={{ ...schema, isFixed: true }} root={root} name={name} isRequired={(root.required ?? []).includes(name)} connection={trigger.connection} />
      ))}
      {unknown.map((name) => (
        <Field key={name} path={[...place, "with", name]} schema={{ title: name, isFixed: true }} root={{}} name={name} />
      ))}
    </section>
  );
}

// What each input of the workflow gets of an item.
function Given({ type, place }: { type: TriggerType; place: Path }) {
  const form = useForm();
  const inputs = (form.definition.inputs?.properties ?? {}) as Record<string, Schema>;
  const required = (form.definition.inputs?.required ?? []) as string[];
  const isRaw = useExpressionsShown();
  if (Object.keys(inputs).length === 0) return null;
  const inner: Form = { ...form, names: async () => itemNames(type.item_schema as Schema) };
  return (
    <FormContext value={inner}>
      <section aria-label={t("What a run is given")}>
        <h4>{t("What a run is given")}</h4>
        <p className="panel-quiet">{isRaw ? `${t("A value, or an expression over the item that was found:")} {{ item.NAME }}.` : t("A value, or a part of the item that was found.")}</p>
        {Object.entries(inputs).map(([name, schema]) => (
          <Field key={name} path={[...place, "inputs", name]} schema={{ title: name, ...schema }} root={schema} name={name} isRequired={required.includes(name) && schema.default === undefined} />
        ))}
      </section>
    </FormContext>
  );
}

const BEGINNINGS: Record<string, string> = { now: N_("Only items from now on"), last: N_("Also the newest existing items") };
const GO_ON = N_("Continue from where it stopped");

// Whether it is on: that takes effect at once, while the fields are part of the draft.
function Switch({ trigger, type, triggers }: { trigger: Trigger; type: TriggerType | undefined; triggers: Triggers }) {
  const form = useForm();
  const [chosen, setChosen] = useState<Json | undefined>();
  const [last, setLast] = useState("10");
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ text: string; isConsent: boolean }>();
  const status = statusOf(triggers.statuses, trigger.id);
  if (type && !type.is_watched) return <p className="panel-quiet">{t("People start it; nothing is watched.")}</p>;
  if (triggers.statuses === null) return null;
  if (!status) return <p className="panel-quiet">{t("It is not in force yet: save the workflow, then you can turn it on here.")}</p>;
  const options = [...(status.needs_start ? [] : [GO_ON]), ...status.start_from.flatMap((one) => BEGINNINGS[one] ?? [])];
  const beginning = typeof chosen === "string" && options.includes(chosen) ? chosen : options[0];
  const turn = async () => {
    setBusy(true);
    try {
      await triggers.turn(trigger.id, status.is_on ? null : beginning === BEGINNINGS.last ? { last: Number(last) } : beginning === GO_ON ? {} : { now: true });
      setFailure(undefined);
    } catch (error) {
      const text = error instanceof Refused ? `${error.message} ${error.remedy}`.trim() : (error as Error).message;
      setFailure({ text, isConsent: needsConsent(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section aria-label={t("Whether it is on")} className="panel-switch">
      <p>
        <b>{stateWords(triggers.statuses, trigger.id)}</b> · <span className="panel-quiet">{t("Turning it on or off takes effect at once and is not part of the draft.")}</span>
      </p>
      <Troubles status={status} />
      {!form.readOnly && !status.is_on && options.length > 1 && (
        <div className="panel-field">
          <label className="panel-label" htmlFor="panel-trigger-start">
            {t("What counts as new?")}
          </label>
          <Choice id="panel-trigger-start" value={beginning} options={options} shown={t} empty={t("Choose …")} isDisabled={isBusy} isInvalid={false} describedBy="panel-trigger-about" onChoose={setChosen} />
          {beginning === BEGINNINGS.last && <input type="number" min={1} max={10_000} value={last} aria-label={t("How many")} onChange={(event) => setLast(event.target.value)} />}
        </div>
      )}
      {!form.readOnly && (
        <button type="button" className="panel-add" disabled={isBusy} onClick={() => void turn()}>
          {status.is_on ? t("Turn it off") : t("Turn it on")}
        </button>
      )}
      <div id="panel-trigger-about" className="panel-about" role="status">
        {failure && <p className="panel-problem">{failure.text}</p>}
        {failure?.isConsent && <a href="/triggers">{t("Agree and turn it on, on the page Triggers")}</a>}
      </div>
    </section>
  );
}

function Troubles({ status: { problem, error } }: { status: TriggerStatus }) {
  return [problem, error].flatMap((one, index) => (one ? [<p key={index} className="panel-problem" data-severity="error">{`${said(one.message)} ${said(one.remedy)}`.trim()}</p>] : []));
}

// Return the title of what the form is about.
export function headOf(which: number | "new", definition: unknown, types: TriggerType[] = []): string {
  const trigger = triggersIn(definition).find(({ index }) => index === which);
  return trigger ? titleOf(trigger, types.find(({ name }) => name === trigger.uses)) : t("Add a trigger");
}
