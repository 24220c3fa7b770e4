// What a loop goes through: a list, by its title, and which of its items count.
import type { Json } from "../api";
import type { ScopeName } from "./completion";
import { ConditionForm, shownCondition } from "./ConditionForm";
import { isRow, written, type Condition } from "./conditions";
import type { ControlProps } from "./Expression";
import { FormContext, placeOf, useForm } from "./form";
import { t } from "../language";
import { chipOf, expressionText, filterOf, pathOf, wordsOf, type Filter } from "./meaning";
import { valueOf } from "./places";
import { wholeOf } from "./template";
import type { Read } from "./values";
import { useNames, useTitles } from "./ValuePicker";

interface Props {
  id: string;
  control: ControlProps & { describedBy: string };
  loop: Loop;
  empty: string;
  onChange(draft: Json, read: Read): void;
  onClear(): void;
}

// The expression of the list, "" for none; the condition is about `variable`.
export interface Loop {
  list: string;
  variable: string;
  condition: Condition;
}

// In the form, an item has this name, whatever the expression calls it.
const ITEM = "item";

// Return what the form can show of a field's value; undefined if that is another expression.
export function loopOf(value: Json | undefined, draft: Json | undefined): Loop | undefined {
  if (value === undefined || value === "") return { list: "", variable: ITEM, condition: { join: "all", rows: [] } };
  const source = typeof value === "string" ? (wholeOf(value) ?? "") : "";
  const filter: Filter = filterOf(source) ?? { list: source, variable: ITEM, condition: "" };
  if (pathOf(filter.list) === "") return undefined;
  const condition = shownCondition(filter.condition === "" ? undefined : expressionText(filter.condition), draft);
  return condition && { list: filter.list, variable: filter.variable, condition };
}

export function LoopForm({ id, control, loop, empty, onChange, onClear }: Props) {
  const form = useForm();
  const titleOf = useTitles();
  const names = useNames(true);
  const present = pathOf(loop.list);
  const own = valueOf(form.definition, placeOf(form, ["as"]));
  const isOwn = (name: string): boolean => name.split(/[.[]/, 1)[0] === (typeof own === "string" ? own : ITEM);
  const lists = names.filter(({ name, type }) => /^(?:list|array)/.test(type) && !isOwn(name));
  const parts = itemNames(names, present);
  const choose = (name: string) => {
    const found = lists.find((one) => one.name === name);
    if (!found) return onClear();
    const made = expressionText(found.may_be_missing ? `default(${name}, [])` : name);
    onChange(made, { value: made });
  };
  // The rows call the item by one name.
  const renamed = (from: string, to: string): Condition => ({ ...loop.condition, rows: loop.condition.rows.map((row) => (isRow(row) ? { ...row, value: withRoot(row.value, from, to) } : row)) });
  const change = (draft: Json, read: Read) => {
    const next = draft as unknown as Condition;
    const kept = { ...next, rows: next.rows.map((row) => (isRow(row) ? { ...row, value: withRoot(row.value, ITEM, loop.variable) } : row)) };
    const source = next.rows.length === 0 ? loop.list : `${loop.list}.filter(${loop.variable}, ${written(kept) ?? ""})`;
    onChange(kept as unknown as Json, "error" in read ? read : { value: expressionText(source) });
  };
  return (
    <>
      <select id={id} disabled={control.isDisabled} aria-invalid={control.isInvalid || undefined} aria-describedby={control.describedBy} value={present} onChange={(event) => choose(event.target.value)}>
        <option value="">{empty}</option>
        {present && !lists.some(({ name }) => name === present) && <option value={present}>{chipOf(present, names, titleOf).words}</option>}
        {lists.map((one) => (
          <option key={one.name} value={one.name}>
            {wordsOf(one, titleOf)}
          </option>
        ))}
      </select>
      {(parts.length > 0 || loop.condition.rows.length > 0) && (
        <FormContext value={{ ...form, names: async () => parts }}>
          <div className="panel-inside" role="group" aria-label={t("Only those for which")}>
            {t("Only those for which")}
            <ConditionForm key={parts.length} condition={renamed(loop.variable, ITEM)} control={{ ...control, names: async () => parts }} onChange={change} />
          </div>
        </FormContext>
      )}
    </>
  );
}

const withRoot = (value: string, from: string, to: string): string => value.replace(/^(default\()?(\w+)/, (whole, before: string | undefined, root: string) => (root === from ? `${before ?? ""}${to}` : whole));

// Return the parts of the items of a list.
function itemNames(names: readonly ScopeName[], list: string): ScopeName[] {
  const first = `${list}[0].`;
  return names.flatMap((one) => (list && one.name.startsWith(first) ? [{ ...one, name: `${ITEM}.${one.name.slice(first.length)}`, may_be_missing: false }] : []));
}
