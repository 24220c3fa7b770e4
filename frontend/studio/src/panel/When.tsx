// When a step runs, how often, and what happens if it fails: sentences that unfold to their fields.
import type { ReactNode } from "react";

import type { Json } from "../api";
import { stepIn } from "../document";
import { t, tn } from "../language";
import { valueOf, type Path } from "./places";
import type { Suggestion } from "./account";
import { useExpressionsShown } from "./expressionSwitch";
import { clauseOf, plainWords } from "./meaning";
import { About, Choice, Field, isError, Members } from "./Field";
import { isRefusedAt, placeOf, problemsAt, useForm, useUnfolded, type Form } from "./form";
import { resolved, type Schema } from "./schema";
import * as sentences from "./sentences";
import { namesIn, shaped, stepField } from "./stepFields";
import { useNames, useTitles } from "./ValuePicker";
import { isExpression, MIXED } from "./values";

interface Entry {
  section: string;
  sentence: string;
  // The fields of the step whose problems belong here.
  fields: Path[];
  body: ReactNode;
}

interface StepFieldProps {
  name: string;
  // What is known here alone, such as the names to choose from.
  also?: Schema;
  choices?: (() => Promise<Suggestion[]>) | undefined;
  isSentLate?: boolean;
}

// A field of every step; of an object such as `retry`, its members.
export function StepField({ name, also, choices, isSentLate }: StepFieldProps) {
  const form = useForm();
  const root = form.stepSchema;
  const field = stepField(root, name);
  if (!field) return null;
  const schema = { ...shaped(resolved(field, root), root, typed(form)[name]), ...also };
  if (schema.properties && !schema.oneOf) return <Members path={[name]} schema={schema} root={root} isFixed={schema.isFixed} isRequired={false} />;
  return <Field path={[name]} schema={schema} root={root} name={name} choices={choices} isSentLate={isSentLate} />;
}

const shown = (names: string[]): ReactNode => names.map((name) => <StepField key={name} name={name} />);

export function When() {
  const form = useForm();
  const isMany = form.selected.length > 1;
  const step = typed(form);
  const said = (sentence: string, many: string) => (isMany ? many : sentence);
  // What goes only with another field is shown with it; of several steps, one may have that.
  const isShown = (name: string): boolean => {
    const needed = form.stepSchema.properties?.[name]?.only_with;
    return isMany || !needed || step[needed] !== undefined || step[name] !== undefined;
  };
  const entry = (section: string, sentence: string, body: (names: string[]) => ReactNode = shown): Entry[] => {
    const names = namesIn(form.stepSchema, section);
    const some = names.filter(isShown);
    return some.length === 0 ? [] : [{ section, sentence, fields: names.map((name) => [name]), body: body(some) }];
  };
  const titleOf = useTitles();
  const replaced = <p className="panel-quiet">{t("The steps that run in its place are drawn beside it.")}</p>;
  const isRaw = useExpressionsShown();
  const names = useNames(!isRaw && [step.if, step.foreach].some(isExpression));
  const condition = isRaw ? undefined : (text: string) => clauseOf(text, names, titleOf);
  const list = isRaw ? undefined : (text: string) => plainWords(text, names, titleOf);
  const entries = [
    ...entry("condition", said(sentences.condition(step, condition), t("When they run"))),
    ...(isMany ? [] : entry("waiting", sentences.waiting(step, titleOf), () => <Needs />)),
    ...entry("repetition", said(sentences.repetition(step, list), t("How often they run"))),
    ...entry("attempts", said(sentences.attempts(step), t("How often they are tried"))),
    ...entry("time", said(sentences.time(step), t("How long they may take"))),
    ...entry("failure", said(sentences.failure(step), t("What happens if they fail")), typeof step.on_error === "object" ? () => replaced : shown),
    ...entry("approval", said(sentences.approval(step), t("Who approves them")), ([first = "", ...others]) => (
      <>
        {shown([first])}
        {!isMany && typeof step.approve !== "object" && !form.readOnly && (
          <button type="button" className="panel-add" onClick={() => void withRule(form, step)}>
            {t("Set who, and until when")}
          </button>
        )}
        {shown(others)}
      </>
    )),
  ];
  return (
    <section aria-label={t("When it runs")} className="panel-when">
      {entries.map((entry) => (
        <Sentence key={entry.section} {...entry} />
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

// Let an object say who approves the calls, in place of a word.
async function withRule(form: Form, { approve }: sentences.Step): Promise<void> {
  await form.edits.flush();
  await form.send([{ op: "set", step: form.selected[0]!.id, field: "approve", value: { when: approve ?? "always" } }], null);
}

// Return the first of the selected steps, with what was typed and has not arrived yet.
function typed(form: Form): sentences.Step {
  const found = { ...(stepIn(form.definition, form.selected[0]?.id ?? "") as sentences.Step | undefined) };
  for (const name of Object.keys(form.stepSchema.properties ?? {})) {
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
