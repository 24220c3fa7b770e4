// When a step runs, how often, and what happens if it fails: sentences that unfold to their fields.
import type { ReactNode } from "react";

import type { Json } from "../api";
import { stepIn } from "../document";
import { t, tn } from "../language";
import { valueOf, type Path } from "./places";
import { About, Choice, Field, isError } from "./Field";
import { isRefusedAt, placeOf, problemsAt, useForm, useUnfolded } from "./form";
import type { Schema } from "./schema";
import * as sentences from "./sentences";
import { STEP_FIELDS } from "./stepFields";
import { MIXED } from "./values";

interface Entry {
  sentence: string;
  // The fields of the step whose problems belong here.
  fields: Path[];
  body: ReactNode;
}

export function StepField(props: { name: string; path?: Path; schema?: Schema; isSentLate?: boolean }) {
  const { name, path = [name], schema = STEP_FIELDS[name] } = props;
  return schema ? <Field path={path} schema={schema} root={schema} name={name} isSentLate={props.isSentLate} /> : null;
}

const fieldsOf = (...names: string[]): ReactNode => names.map((name) => <StepField key={name} name={name} />);

export function When() {
  const form = useForm();
  const [only, ...others] = form.selected;
  if (!only) return null;
  const step = typed(form, (stepIn(form.definition, only.id) ?? {}) as sentences.Step);
  const isMany = others.length > 0;
  const said = (sentence: string, many: string) => (isMany ? many : sentence);
  const isCall = step.uses !== undefined;
  const entries: Entry[] = [
    { sentence: said(sentences.condition(step), t("When they run")), fields: [["if"]], body: fieldsOf("if") },
  ];
  if (!isMany) {
    const titleOf = (id: string) => form.steps.find((one) => one.id === id)?.title ?? id;
    entries.push({ sentence: sentences.waiting(step, titleOf), fields: [["needs"]], body: <Needs /> });
  }
  entries.push(
    {
      sentence: said(sentences.repetition(step), t("How often they run")),
      fields: [["foreach"], ["as"], ["key"], ["item_title"], ["parallel"], ["on_item_error"]],
      body: isMany || step.foreach !== undefined
        ? fieldsOf("foreach", "as", "key", "item_title", "parallel", "on_item_error")
        : fieldsOf("foreach"),
    },
    {
      sentence: said(sentences.attempts(step), t("How often they are tried")),
      fields: [["retry"]],
      body: ["attempts", "backoff_seconds", "on"].map((name) => <StepField key={name} name={name} path={["retry", name]} />),
    },
    { sentence: said(sentences.time(step), t("How long they may take")), fields: [["timeout_seconds"]], body: fieldsOf("timeout_seconds") },
    {
      sentence: said(sentences.failure(step), t("What happens if they fail")),
      fields: [["on_error"]],
      body:
        typeof step.on_error === "object" ? (
          <p className="panel-quiet">{t("The steps that run in its place are drawn beside it.")}</p>
        ) : (
          fieldsOf("on_error")
        ),
    },
  );
  if (isCall || isMany) {
    const rule = typeof step.approve === "object" ? "approve_rule" : "approve";
    entries.push({
      sentence: said(sentences.approval(step), t("Who approves them")),
      fields: [["approve"], ["once"], ["allow"]],
      body: (
        <>
          <StepField name={rule} path={["approve"]} />
          {!isMany && typeof step.approve !== "object" && !form.readOnly && (
            <button
              type="button"
              className="panel-add"
              onClick={() => void form.edits.flush().then(() => form.send([{ op: "set", step: only.id, field: "approve", value: { when: step.approve ?? "always" } }], null))}
            >
              {t("Set who, and until when")}
            </button>
          )}
          {fieldsOf("allow", "once")}
        </>
      ),
    });
  }
  return (
    <section aria-label={t("When it runs")} className="panel-when">
      {entries.map((entry) => (
        <Sentence key={entry.fields[0]?.join(".")} {...entry} />
      ))}
    </section>
  );
}

function Sentence({ sentence, fields, body }: Entry) {
  const form = useForm();
  const problems = fields.flatMap((path) => problemsAt(form, path)).filter(isError);
  const isOpen = useUnfolded(problems.length > 0 || fields.some((path) => isRefusedAt(form, path)));
  return (
    <details open={isOpen}>
      <summary>
        {sentence}
        {problems.length > 0 && (
          <span className="panel-tag" data-warns>
            {tn("{count} problem", "{count} problems", problems.length)}
          </span>
        )}
      </summary>
      {body}
    </details>
  );
}

// Return a step with what was typed and has not arrived yet.
function typed(form: ReturnType<typeof useForm>, step: sentences.Step): sentences.Step {
  const found = { ...step };
  for (const name of Object.keys(STEP_FIELDS)) {
    const edit = form.edits.at(placeOf(form, [name]));
    if (edit && edit.error === undefined) found[name] = edit.value;
  }
  return found;
}

// Which steps beside it a step waits for.
function Needs() {
  const form = useForm();
  const [step] = form.selected;
  const place = placeOf(form, ["needs"]);
  const edit = form.edits.at(place);
  const stored = valueOf(form.definition, place);
  const value = edit ? edit.value : stored === MIXED ? undefined : stored;
  const siblings = form.steps.filter((one) => step && one.id !== step.id && one.parent === step.parent && one.place === step.place);
  const chosen = Array.isArray(value) ? value.map(String) : undefined;
  const choose = (next: Json | undefined) => {
    form.edits.type(place, next ?? null, { value: next });
    void form.edits.flush();
  };
  const before = siblings.filter((one) => step && form.steps.indexOf(one) < form.steps.indexOf(step)).map(({ id }) => id);
  return (
    <div className="panel-field" role="group" aria-label={t("Waits for")}>
      <Choice
        id="panel-needs"
        label={t("Which steps it waits for")}
        value={chosen ? t("only these") : undefined}
        options={[t("only these")]}
        empty={t("all steps before it")}
        isDisabled={form.readOnly}
        isInvalid={false}
        describedBy="panel-needs-about"
        onChoose={(one) => choose(one === undefined ? undefined : before)}
      />
      {chosen &&
        siblings.map(({ id, title }) => (
          <label key={id} className="panel-check">
            <input
              type="checkbox"
              disabled={form.readOnly}
              checked={chosen.includes(id)}
              onChange={(event) => choose(event.target.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
            />
            {title} <code>{id}</code>
          </label>
        ))}
      <About id="panel-needs-about" edit={edit} problems={problemsAt(form, ["needs"])} />
    </div>
  );
}
