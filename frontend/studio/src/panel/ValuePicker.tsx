// A list of the values that a step may use, by their titles and what they were in the last run.
import { Fragment, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";

import { t, tn } from "../language";
import type { ScopeName } from "./completion";
import { useExpressionsShown } from "./expressionSwitch";
import { useForm } from "./form";
import { groupOf, valuesFor, wordsOf } from "./meaning";
import { plainValue } from "./samples";
import { useLoaded } from "./useLoaded";

interface Props {
  label: string;
  // Whether text from outside may not go here.
  isStrict?: boolean;
  names(): Promise<ScopeName[]>;
  onChoose(name: ScopeName): void;
  // `isEscaped`: the keyboard goes back to where it was.
  onClose(isEscaped: boolean): void;
}

export function ValuePicker({ label, isStrict = false, names, onChoose, onClose }: Props) {
  const titleOf = useTitles();
  const [sought, setSought] = useState("");
  const [active, setActive] = useState(0);
  const loaded = useLoaded(names, "names");
  const found = valuesFor(loaded.value ?? [], sought, titleOf);
  const headings = found.map((one) => groupOf(one).heading);
  const isGrouped = new Set(headings).size > 1;
  const box = useRef<HTMLDivElement>(null);
  const list = useId();
  useEffect(() => {
    box.current?.querySelector("input")?.focus();
  }, []);
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") setActive((active + 1) % Math.max(1, found.length));
    else if (event.key === "ArrowUp") setActive((active - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter" && found[active]) onChoose(found[active]);
    else if (event.key === "Escape" || event.key === "Enter") onClose(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={box}
      className="panel-picker"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) onClose(false);
      }}
    >
      <input
        role="combobox"
        aria-label={label}
        aria-expanded={found.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={found[active] && `${list}-${active}`}
        placeholder={t("Search values")}
        autoComplete="off"
        value={sought}
        onChange={(event) => {
          setSought(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      {found.length > 0 && (
        <ul id={list} role="listbox" aria-label={label} className="panel-values">
          {found.map((one, index) => (
            <Fragment key={one.name}>
              {isGrouped && headings[index] !== headings[index - 1] && (
                <li aria-hidden="true" className="panel-heading" onMouseDown={(event) => event.preventDefault()}>
                  {headings[index]}
                </li>
              )}
              <li id={`${list}-${index}`} role="option" aria-selected={index === active} onMouseDown={(event) => event.preventDefault()} onClick={() => onChoose(one)}>
                <Value name={one} isStrict={isStrict} />
              </li>
            </Fragment>
          ))}
        </ul>
      )}
      <span role="status" className={found.length > 0 ? "panel-hidden" : "panel-quiet"}>
        {loaded.failure ?? (loaded.value ? (found.length > 0 ? tn("{count} value", "{count} values", found.length) : t("There is no such value.")) : t("Loading …"))}
      </span>
    </div>
  );
}

function Value({ name, isStrict }: { name: ScopeName; isStrict: boolean }) {
  const isRaw = useExpressionsShown();
  const titleOf = useTitles();
  return (
    <>
      {wordsOf(name, titleOf)} {isRaw && <code>{name.name}</code>}
      <Marks name={name} isStrict={isStrict} />
      {name.sample !== null && <span className="panel-sample">{plainValue(name.sample)}</span>}
    </>
  );
}

// What to know before a value is used.
export function Marks({ name, isStrict }: { name: ScopeName; isStrict: boolean }) {
  return (
    <>
      {name.may_be_missing && <span className="panel-tag">{t("may be missing")}</span>}
      {name.from_outside && (
        <span className="panel-tag" data-warns={isStrict || undefined}>
          {isStrict ? t("text from outside: not allowed here") : t("text from outside")}
        </span>
      )}
    </>
  );
}

// Return what gives the title of a step by its id.
export function useTitles(): (step: string) => string {
  const { steps } = useForm();
  return (id) => steps.find((one) => one.id === id)?.title ?? id;
}

// Return the names for expressions, as soon as they are loaded; nothing is loaded unless they are needed.
export function useNames(isNeeded: boolean): ScopeName[] {
  const form = useForm();
  return useLoaded(form.names, isNeeded ? `names ${form.selected.map(({ id }) => id).join(" ")}` : "").value ?? [];
}
