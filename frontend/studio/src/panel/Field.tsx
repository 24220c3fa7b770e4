// One field of a step: its label and role, the control for its shape or an expression instead, and its problems.
import { useState, type ReactNode } from "react";

import type { Json, Problem } from "../api";
import { N_, said, t } from "../language";
import { choicesFor, ofTable, plainly, type Suggestion } from "./account";
import { Code } from "./Code";
import { languageOf } from "./colors";
import { ListControl, MapControl } from "./Collections";
import { valueOf, type Path } from "./places";
import { keyOf, type Edit } from "./edits";
import { Expression, type ControlProps } from "./Expression";
import { Clock, timeWords } from "./Clock";
import { FileDrop } from "./FileDrop";
import { Records, type Rec } from "./Records";
import { lineIn } from "./faults";
import { inWords } from "./labels";
import { chipOf, meaning, plainWords } from "./meaning";
import { showExpressions, useExpressionsShown } from "./expressionSwitch";
import { ConditionForm, shownCondition } from "./ConditionForm";
import { partsOf } from "./template";
import { loopOf, LoopForm } from "./LoopForm";
import { useNames, useTitles } from "./ValuePicker";
import { placeOf, problemsAt, useForm, type Form } from "./form";
import { cronWords } from "./triggers";
import { controlOf, fitsRows, optionsOf, resolved, roleOf, takesAnything, type Control, type Schema } from "./schema";
import { isAlmostJson, isExpression, MIXED, plainText, read, shown, type Read } from "./values";

export interface FieldProps {
  path: Path;
  schema: Schema;
  // The schema that has the definitions of references.
  root: Schema;
  name: string;
  isRequired?: boolean;
  // Names that a map is likely to have.
  members?: string[] | undefined;
  // The connection whose account is asked for choices.
  connection?: string | undefined;
  choices?: (() => Promise<Suggestion[]>) | undefined;
  // Whether it is sent only once the field is left.
  isSentLate?: boolean | undefined;
}

// The field of a mail that goes out later.
const LATER = "send_after";
const TEXTUAL: Control[] = ["text", "long", "code", "number", "json"];

export function Field(props: FieldProps) {
  const form = useForm();
  const { edits, readOnly } = form;
  const schema = resolved(props.schema, props.root);
  const place = placeOf(form, props.path);
  const edit = edits.at(place);
  const stored = valueOf(form.definition, place);
  const value = edit ? edit.value : stored === MIXED ? undefined : stored;
  const draft = edit && edit.draft !== null ? edit.draft : undefined;
  const shape = controlOf(schema, props.root, value ?? (isTexts(draft) ? draft : undefined));
  // What may hold anything is filled in by names and values, or as JSON.
  const isAny = shape === "json" && takesAnything(schema) && !schema.isFixed;
  const [isInRows, setInRows] = useState(isAny && stored !== MIXED && typeof draft !== "string" && fitsRows(value));
  const control = isAny && isInRows && fitsRows(value) ? "map" : shape;
  const isFile = schema.format === "run-file";
  const isRaw = useExpressionsShown();
  const [mode, setMode] = useState<"fixed" | "expression">();
  const canSwitch = !schema.isFixed && !isAny && !TEXTUAL.includes(control);
  const isText = canSwitch && (isExpression(value) || (mode ? mode === "expression" : isFile && value === undefined));

  const isCondition = props.path.join(".") === "if" || (isText && schema.type === "boolean");
  const condition = isCondition && !isRaw && stored !== MIXED ? shownCondition(value, draft) : undefined;

  const isLoop = props.path.join(".") === "foreach";
  const isUnread = edit?.error !== undefined && stored !== MIXED; // a half condition is no value yet
  const loop = isLoop && !isRaw && stored !== MIXED ? loopOf(isUnread ? stored : value, draft) : undefined;

  const id = `panel-${props.path.join("-")}`;
  const role = roleOf(schema);
  const { error: _, ...finished } = edit ?? {};
  const shownEdit = condition || loop ? (finished as Edit) : edit; // an unfinished row says so itself
  const label = schema.title ? t(schema.title) : props.name;
  const isSet = edit ? edit.draft !== null : stored !== undefined;
  const problems = problemsAt(form, props.path).filter((one) => !["object", "records"].includes(control) || isText || one.field === props.path.join(".")).map((one) => inWords(one, props.name, label, props.root));
  const isMissing = Boolean(props.isRequired) && value === undefined && !edit?.error && stored !== MIXED;
  const placeholder = stored === MIXED && !edit ? t("Several values") : exampleOf(schema);
  const emptyChoice = stored === MIXED && !edit ? placeholder : placeholder ? t("{value} (default)", { value: placeholder }) : props.isRequired ? t("Choose …") : t("Not set");
  const { format, examples } = schema;
  const suggested = examples && (async () => plainly(examples));
  const beside = (name: string): unknown => {
    const other = placeOf(form, [...props.path.slice(0, -1), name]);
    return edits.at(other)?.value ?? valueOf(form.definition, other);
  };
  const asked = async (format: string) => {
    const found = await choicesFor(format, props.connection ?? "");
    return format === "sql-column" ? ofTable(found, beside("table")) : found;
  };
  const offered = format && format !== "multiline" ? () => asked(format) : suggested;
  const choices = props.choices ?? offered;

  const type = (draft: Json, found: Read, isUnfinished = false) =>
    edits.type(place, draft, found, isUnfinished || props.isSentLate, label);
  const choose = (path: string) => {
    type(path, { value: path });
    void edits.flush();
  };
  const clear = () => {
    setMode(undefined);
    edits.type(place, null, { value: undefined }, false, label);
    void edits.flush();
  };
  const controlProps: ControlProps & { describedBy: string; isInvalid: boolean } = {
    isFixed: schema.isFixed ?? false,
    isDisabled: readOnly,
    isInvalid: edit?.refused !== undefined || problems.some(isError),
    isStrict: role?.isStrict,
    describedBy: `${id}-about`,
    names: form.names,
  };
  const rows = { id, label, value, draft, control: controlProps, onChange: type };

  const body = (): ReactNode => {
    if (loop) return <LoopForm id={id} control={controlProps} loop={loop} empty={emptyChoice} onChange={(next, found) => type(next, found)} onClear={clear} />;
    if (condition) return <ConditionForm condition={condition} control={controlProps} onChange={(next, found) => type(next, found)} />;
    if (isText || TEXTUAL.includes(control)) {
      const kind: Control = isText ? "text" : control;
      const text = typeof draft === "string" ? draft : isText && !isExpression(value) ? "" : shown(value, kind);
      if (kind === "code") return <Code id={id} {...controlProps} value={text} language={languageOf(beside("language"), beside("path"))} faulty={faultyLine(form, problems, text)} onChange={(next) => type(next, read(next, kind))} />;
      return (
        <Expression
          id={id}
          label={label}
          {...controlProps}
          value={text}
          placeholder={!isText ? placeholder : isRaw ? "{{ … }}" : t("A value of another step")}
          isWhole={isText || kind === "number"}
          picksAtOnce={isText && mode === "expression" && text === ""}
          isLong={kind === "long" || kind === "json"}
          choices={kind === "text" || kind === "long" ? choices : undefined}
          onChange={(next, isUnfinished) => type(next, read(next, kind), isUnfinished)}
          onEnter={() => edits.finish(place)}
        />
      );
    }
    switch (control) {
      case "boolean":
        return (
          <label className="panel-check">
            <input
              type="checkbox"
              id={id}
              disabled={readOnly}
              aria-describedby={controlProps.describedBy}
              checked={value === undefined ? schema.default === true : value === true}
              ref={(box) => {
                if (box) box.indeterminate = stored === MIXED && !edit;
              }}
              onChange={(event) => type(event.target.checked, { value: event.target.checked })}
            />
            {label}
          </label>
        );
      case "choice":
        return <Choice id={id} {...controlProps} value={value} options={optionsOf(schema, props.root)} empty={emptyChoice} onChoose={(one) => type(one ?? null, { value: one })} />;
      case "list":
        return (
          <ListControl
            {...rows}
            options={optionsOf(schema, props.root).map(String)}
            mayBeText={Boolean(schema.anyOf)}
            choices={choices}
          />
        );
      case "records": {
        const item = resolved(schema.items ?? {}, props.root);
        const all = (value ?? []) as Rec[];
        return (
          <Records path={props.path} label={label} item={item} rows={all}>
            {all.map((_, index) => (
              <Members key={index} path={[...props.path, index]} schema={item} root={props.root} isFixed={schema.isFixed} isRequired />
            ))}
          </Records>
        );
      }
      case "map":
        return <MapControl {...rows} members={props.members ?? []} />;
      default:
        return (
          <div className="panel-inside">
            <Members path={props.path} schema={schema} root={props.root} isFixed={schema.isFixed} isRequired={isSet} />
          </div>
        );
    }
  };

  const isGroup = condition !== undefined || !isText && ["list", "map", "object", "records"].includes(control);
  return (
    <div
      className="panel-field"
      role={isGroup ? "group" : undefined}
      aria-labelledby={isGroup ? `${id}-label` : undefined}
      data-name={props.name}
      data-control={isText ? "expression" : control}
      aria-describedby={isGroup ? controlProps.describedBy : undefined}
      onFocus={(event) => {
        event.stopPropagation();
        edits.entered(place);
      }}
      onBlur={(event) => {
        event.stopPropagation();
        if (!event.currentTarget.contains(event.relatedTarget)) edits.left(place);
      }}
      data-field={keyOf(place)}
    >
      <div className="panel-label">
        {isGroup && <span id={`${id}-label`}>{label}</span>}
        {!isGroup && (control !== "boolean" || isText) && (
          <label id={`${id}-name`} htmlFor={id} onClick={(event) => focusOn(event.currentTarget, id)}>
            {label}
          </label>
        )}
        {props.isRequired && <span className="panel-tag" data-warns={isMissing || undefined}>{isMissing ? t("needed") : t("required")}</span>}
        {role && (
          <span className="panel-tag" title={t(role.meaning)}>
            {t(role.word)}
          </span>
        )}
        <span className="panel-space" />
        {canSwitch && !readOnly && (
          <button type="button" className="panel-link" onClick={() => (isText ? (clear(), setMode("fixed")) : setMode("expression"))}>
            {isText ? t("Fixed value") : isRaw ? "{{ }}" : t("Use a value")}
            <span className="panel-hidden"> {isText || !isRaw ? t("for {label}", { label }) : t("as an expression: {label}", { label })}</span>
          </button>
        )}
        {isAny && !readOnly && !edit?.error && (control === "map" || fitsRows(value)) && (
          <button type="button" className="panel-link" title={control === "map" ? (isRaw ? t("JSON, or an expression") : t("JSON, or a value of another step")) : t("Names and values")} onClick={() => setInRows(control !== "map")}>
            {control !== "map" ? t("Fields") : isRaw ? "JSON, {{ }}" : "JSON"}
            <span className="panel-hidden"> {t("for {label}", { label })}</span>
          </button>
        )}
        {isSet && !readOnly && !props.isSentLate && (
          <button type="button" className="panel-link" onClick={clear} aria-label={t("Clear {label}", { label })} title={t("Leave this out")}>
            ✕
          </button>
        )}
      </div>
      {body()}
      {props.path.at(-1) === LATER && control === "text" && !readOnly && !isExpression(value) && <Clock label={label} value={plainText(value)} onPick={(next) => type(next, { value: next })} />}
      {!condition && !loop && <Meaning path={props.path} value={value} />}
      {(isCondition ? !condition : isLoop && !loop) && !isRaw && isExpression(value) && (
        <button type="button" className="panel-add" onClick={() => showExpressions(true)}>
          {t("Show expression")}
        </button>
      )}
      {format === "workspace-file" && control === "text" && !props.connection && (
        <FileDrop label={label} path={plainText(value)} isDisabled={readOnly} onAdded={choose} />
      )}
      <About id={`${id}-about`} description={t(schema.description ?? "")} strict={role?.isStrict ? t(role.meaning) : ""} edit={shownEdit} problems={problems} hint={control === "json" && isAlmostJson(typeof draft === "string" ? draft : shown(value, "json")) ? ALMOST_JSON : ""} />
    </div>
  );
}

// What a field would be with the newest run, and what its formulas are made of; a schedule in words.
function Meaning({ path, value }: { path: Path; value: Json | undefined }) {
  const form = useForm();
  const isRaw = useExpressionsShown();
  const text = isExpression(value) ? value : "";
  const names = useNames(text !== "");
  const titleOf = useTitles();
  const isInWords = !isRaw && partsOf(text).every((one) => !one.isExpression || chipOf(one.text.slice(2, -2), names, titleOf).about === "");
  const fixed = typeof value === "string" ? value.trim() : "";
  const ofTime = path.at(-1) === "cron" && fixed ? cronWords(fixed) : path.at(-1) === LATER ? timeWords(fixed) : "";
  const words = text ? (isInWords ? "" : meaning(text, names, titleOf)) : ofTime;
  const [first, name, ...inner] = path;
  const sample = first === "with" && inner.length === 0 ? form.samples?.[String(name)] : undefined;
  if (!words && (sample === undefined || !text)) return null;
  return (
    <p className="panel-meaning">
      {words}
      {text && sample !== undefined && (
        <>
          {words ? ": " : `${t("Last time:")} `}
          <q>{sample}</q>
        </>
      )}
    </p>
  );
}

// A label does not lead to an element that is edited in place by itself.
function focusOn(label: HTMLElement, id: string): void {
  const field = label.ownerDocument.getElementById(id);
  if (field?.isContentEditable) field.focus();
}

// The fields of an object; what it must have is required only `isRequired`, once there is an object at all.
export function Members({ path, schema, root, isFixed, isRequired }: { path: Path; schema: Schema; root: Schema; isFixed?: boolean | undefined; isRequired: boolean }) {
  return Object.entries(schema.properties ?? {}).map(([name, inner]) => (
    <Field
      key={name}
      path={[...path, name]}
      schema={isFixed ? { ...inner, isFixed } : inner}
      root={root}
      name={name}
      isRequired={isRequired && (schema.required ?? []).includes(name)}
    />
  ));
}

const ALMOST_JSON = N_("This is one text, not JSON: put quotes around each template, as in \"subject\": \"{{ mail.subject }}\".");

// Return the line that is wrong: as the server has read the code, or as it failed when it was tried.
function faultyLine({ fault, selected }: Form, problems: Problem[], code: string): number | undefined {
  const read = problems.map(({ message }) => lineIn(message)).find((one) => one !== undefined);
  return read ?? (fault?.code === code && fault.step === selected[0]?.id ? fault.line : undefined);
}

const isTexts = (draft: Json | undefined): draft is string[] => Array.isArray(draft) && draft.every((one) => typeof one === "string");

export const isError = (one: Problem): boolean => one.severity === "error";

export function About(props: { id: string; description?: string; strict?: string; edit?: Edit | undefined; problems: Problem[]; hint?: string }) {
  const isRaw = useExpressionsShown();
  const theirs = props.edit?.theirs?.value === undefined ? "" : shown(props.edit.theirs.value, "text");
  const names = useNames(!isRaw && isExpression(theirs));
  const titleOf = useTitles();
  return (
    <div id={props.id} className="panel-about">
      {props.description && (isRaw || !isExpression(props.description)) && <p className="panel-quiet">{props.description}</p>}
      {props.strict && <p className="panel-hidden">{props.strict}</p>}
      {props.hint && (
        <p className="panel-problem" data-severity="warning" role="status">
          {t(props.hint)}
        </p>
      )}
      {props.edit?.error && (
        <p className="panel-problem" data-severity="error">
          <b>{t("Not kept yet:")}</b> {props.edit.error}
        </p>
      )}
      {props.edit?.theirs && (
        <p className="panel-problem" data-severity="warning" role="status">
          {props.edit.theirs.value === undefined ? t("Removed elsewhere meanwhile.") : t("Changed elsewhere meanwhile: {value}", { value: isRaw ? theirs : plainWords(theirs, names, titleOf) })}
        </p>
      )}
      {props.edit && <Refusal edit={props.edit} />}
      <Problems problems={props.problems} />
    </div>
  );
}

// Why a change was refused, with buttons to revert or to retry it.
export function Refusal({ edit: { place, refused } }: { edit: Edit }) {
  const { edits } = useForm();
  if (refused === undefined) return null;
  return (
    <div className="panel-problem" data-severity="error" role="alert">
      <p>
        <b>{t("Not kept:")}</b> {refused}
      </p>
      <div className="panel-buttons">
        <button type="button" className="panel-add" onClick={() => edits.forget(place)}>
          {t("Restore the stored value")}
        </button>
        <button type="button" className="panel-add" onClick={() => void edits.retry(place)}>
          {t("Try again")}
        </button>
      </div>
    </div>
  );
}

export function Problems({ problems }: { problems: Problem[] }) {
  return problems.map((one) => (
    <p key={`${one.step} ${one.line} ${one.column} ${one.message}`} className="panel-problem" data-severity={one.severity}>
      <b>{isError(one) ? t("Error:") : t("Warning:")}</b> {said(one.message)} {said(one.remedy)}
    </p>
  ));
}

// Return what an empty field shows: the default, or the limits of a number.
function exampleOf(schema: Schema): string {
  const { default: usual, minimum, maximum } = schema;
  if (usual !== undefined && usual !== null && usual !== "" && JSON.stringify(usual).length > 2) {
    return typeof usual === "string" ? usual : JSON.stringify(usual);
  }
  if (minimum !== undefined && maximum !== undefined) return t("{minimum} to {maximum}", { minimum, maximum });
  return "";
}

interface ChoiceProps {
  id: string;
  // The name, if no label of the page has it.
  label?: string;
  value: Json | undefined;
  options: Json[];
  empty: string;
  isDisabled: boolean;
  isInvalid: boolean;
  describedBy: string;
  onChoose(value: Json | undefined): void;
  // Return how an option that is a text is shown.
  shown?(option: string): string;
}

export function Choice({ id, label, value, options, empty, isDisabled, isInvalid, describedBy, onChoose, shown = String }: ChoiceProps) {
  const known = value === undefined || options.includes(value) ? options : [...options, value];
  return (
    <select
      id={id}
      aria-label={label}
      disabled={isDisabled}
      aria-invalid={isInvalid || undefined}
      aria-describedby={describedBy}
      value={value === undefined ? "" : String(known.indexOf(value))}
      onChange={(event) => onChoose(event.target.value === "" ? undefined : known[Number(event.target.value)])}
    >
      <option value="">{empty}</option>
      {known.map((one, index) => (
        <option key={index} value={index}>
          {typeof one === "string" ? shown(one) : JSON.stringify(one)}
          {options.includes(one) ? "" : ` ${t("(not one of the choices)")}`}
        </option>
      ))}
    </select>
  );
}
