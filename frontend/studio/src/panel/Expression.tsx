// A text field that may hold expressions. It suggests names inside `{{ }}`, and choices of the account elsewhere.
import { useEffect, useId, useLayoutEffect, useReducer, useRef, useState, type AriaAttributes, type KeyboardEvent } from "react";

import { t, tn } from "../language";
import { Icon } from "../ui/icons";
import type { Suggestion } from "./account";
import { ChipText, type ChipTextHandle } from "./ChipText";
import { accepted, closed, fitting, wordAt, type ScopeName, type Text } from "./completion";
import { useExpressionsShown } from "./expressionSwitch";
import { chipOf, insertedFor } from "./meaning";
import { hasExpression, partsOf } from "./template";
import { Marks, useNames, useTitles, ValuePicker } from "./ValuePicker";

// What a field tells each control in it.
export interface ControlProps {
  // Whether it takes no expressions.
  isFixed: boolean;
  isDisabled: boolean;
  isInvalid?: boolean;
  // Whether text from outside may not go here.
  isStrict?: boolean | undefined;
  // The id of the element with the description and the problems.
  describedBy?: string;
  // The names that expressions may use.
  names(): Promise<ScopeName[]>;
}

interface Props extends ControlProps {
  id: string;
  label: string;
  // Whether no label of the page names it.
  isUnnamed?: boolean;
  value: string;
  placeholder?: string;
  isLong?: boolean;
  // Whether Shift+Enter begins a line; Enter alone leaves the field.
  mayBreak?: boolean;
  // Whether a value takes the place of the whole text: a number, a choice.
  isWhole?: boolean;
  // Whether it begins with the list of values.
  picksAtOnce?: boolean;
  choices?: () => Promise<Suggestion[]>;
  // `isUnfinished`: the caret is in an expression.
  onChange(text: string, isUnfinished: boolean): void;
  // Enter in a field of one line.
  onEnter(): void;
}

type Offer = { key: string; name?: ScopeName; detail?: string | undefined };
type Listed = { kind: "names"; all: ScopeName[] } | { kind: "choices"; all: Suggestion[] };

const MOST_CHOICES = 500;

export function Expression(props: Props) {
  const { id, value, isLong = false, isDisabled, isFixed } = props;
  const isRaw = useExpressionsShown() || isFixed;
  const area = useRef<HTMLTextAreaElement>(null);
  const chips = useRef<ChipTextHandle>(null);
  // While somebody writes, the control stays the same: it does not change under the caret.
  const isInside = useRef(false);
  const hasChips = useRef(false);
  if (isRaw || !isInside.current) hasChips.current = !isRaw && hasExpression(value);
  const names = useNames(hasChips.current);
  const titleOf = useTitles();
  const [isPicking, setPicking] = useState(!isRaw && (props.picksAtOnce ?? false));
  const before = useRef<Text | undefined>(undefined);
  const caret = useRef<number | undefined>(undefined);
  // Counts what was asked for, so that an answer that comes too late opens nothing.
  const asked = useRef(0);
  const [listed, setListed] = useState<Listed>();
  const [message, setMessage] = useState("");
  const [active, setActive] = useState(0);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const list = useId();
  const at = (): Text => ({ text: value, caret: chips.current?.caret ?? area.current?.selectionStart ?? value.length });
  const offers = listed ? offered(listed, at()) : [];

  useLayoutEffect(() => {
    if (caret.current === undefined) return;
    chips.current?.place(caret.current);
    area.current?.focus();
    area.current?.setSelectionRange(caret.current, caret.current);
    caret.current = undefined;
  });

  useEffect(() => {
    if (listed) document.getElementById(active < 0 ? list : `${list}-${active}`)?.scrollIntoView({ block: "nearest" });
  });

  const close = () => {
    asked.current += 1;
    setListed(undefined);
    setMessage("");
  };

  const open = async (kind: Listed["kind"]) => {
    const number = (asked.current += 1);
    setActive(kind === "names" ? 0 : -1);
    setMessage(listed?.kind === kind ? "" : t("Loading …"));
    try {
      const found: Listed =
        kind === "names" ? { kind, all: await props.names() } : { kind, all: (await props.choices?.()) ?? [] };
      if (number !== asked.current) return;
      setListed(found);
      setMessage("");
    } catch (error) {
      if (number !== asked.current) return;
      setListed(undefined);
      setMessage(t("Suggestions could not be loaded: {why}", { why: error instanceof Error ? error.message : String(error) }));
    }
  };

  const openFitting = (text: Text) => {
    if (!isFixed && wordAt(text)) void open("names");
    else if (props.choices && !text.text.includes("{{") && (!isLong || isWord(text.text))) void open("choices");
    else close();
  };

  const put = (next: Text, isUnfinished: boolean) => {
    caret.current = next.caret;
    chips.current?.note();
    props.onChange(next.text, isUnfinished);
  };

  const change = (target: HTMLTextAreaElement) => {
    const typed = isLong || props.mayBreak ? target.value : target.value.replaceAll(/[\r\n]+/g, " ");
    const next = isFixed ? { text: typed, caret: target.selectionStart } : closed(value, { text: typed, caret: target.selectionStart });
    if (next.text !== target.value) {
      target.value = next.text; // else React would do it later, and take the caret to the end
      target.setSelectionRange(next.caret, next.caret);
      caret.current = next.caret;
    }
    props.onChange(next.text, !isFixed && wordAt(next) !== undefined);
    if (wordAt(next)?.isLikely === false) close();
    else openFitting(next);
  };

  const changeChips = (next: Text, isComposing: boolean) => {
    const typed = isLong || props.mayBreak || isComposing ? next.text : next.text.replaceAll(/[\r\n]+/g, " ");
    props.onChange(typed, wordAt({ ...next, text: typed }) !== undefined);
    if (isComposing || wordAt(next)?.isLikely === false) close();
    else openFitting({ ...next, text: typed });
  };

  const accept = (offer: Offer) => {
    const next = offer.name ? accepted(at(), offer.name) : { text: offer.key, caret: offer.key.length };
    put(!isRaw && offer.name ? behindExpression(next) : next, false);
    hasChips.current = !isRaw && hasExpression(next.text);
    close();
  };

  const choose = (name: ScopeName) => {
    const made = insertedFor(name);
    const { text, caret: place } = at();
    setPicking(false);
    if (!hasChips.current) before.current = { text, caret: place };
    isInside.current = hasChips.current = true;
    put(props.isWhole ? { text: made, caret: made.length } : { text: text.slice(0, place) + made + text.slice(place), caret: place + made.length }, false);
  };

  const insert = () => {
    if (!isRaw) return setPicking(!isPicking);
    const { text, caret: place } = at();
    if (!wordAt({ text, caret: place })) put({ text: `${text.slice(0, place)}{{  }}${text.slice(place)}`, caret: place + 3 }, true);
    else area.current?.focus();
    void open("names");
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const isOpen = offers.length > 0;
    const move = (by: number) => setActive((active + by + offers.length) % offers.length);
    if (event.key === "Escape" && (listed || message)) close();
    else if (isOpen && event.key === "ArrowDown") move(1);
    else if (isOpen && event.key === "ArrowUp") move(active < 0 ? 0 : -1);
    else if (isOpen && event.key === "Enter" && offers[active]) accept(offers[active]);
    else if (event.key === " " && event.ctrlKey) openFitting(at());
    else if (event.key === "ArrowDown" && !isLong && !listed) openFitting(at());
    else if (event.key === "Enter" && !isLong && !(props.mayBreak && event.shiftKey)) {
      close();
      props.onEnter();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const aria: AriaAttributes = {
    "aria-invalid": props.isInvalid || undefined,
    "aria-describedby": props.describedBy,
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    "aria-controls": offers.length > 0 ? list : undefined,
    "aria-activedescendant": offers[active] ? `${list}-${active}` : undefined,
  };
  const shared = {
    onClick: () => (offers.length > 0 ? undefined : openFitting(at())),
    onSelect: () => (listed ? redraw() : undefined),
    onKeyDown,
  };

  return (
    <div
      className="panel-expression"
      onFocus={() => (isInside.current = true)}
      onBlur={(event) => {
        close();
        if (event.currentTarget.contains(event.relatedTarget) || document.activeElement === event.target) return;
        isInside.current = false;
        redraw();
      }}
    >
      {hasChips.current ? (
        <ChipText
          handle={chips}
          id={id}
          value={value}
          before={before.current}
          chip={(expression) => chipOf(expression, names, titleOf)}
          isLong={isLong}
          isDisabled={isDisabled}
          aria={{ ...aria, ...(props.isUnnamed ? { "aria-label": props.label } : { "aria-labelledby": `${id}-name` }) }}
          onChange={changeChips}
          {...shared}
        />
      ) : (
        <textarea
          ref={area}
          id={id}
          rows={isLong ? 4 : 1}
          value={value}
          placeholder={props.placeholder}
          disabled={isDisabled}
          spellCheck={isLong}
          autoComplete="off"
          autoCapitalize="off"
          aria-label={props.isUnnamed ? props.label : undefined}
          {...aria}
          data-long={isLong || undefined}
          onChange={(event) => change(event.target)}
          {...shared}
        />
      )}
      {!isDisabled && !isFixed && (
        <button
          type="button"
          className="panel-insert"
          title={t("Insert a value of another step")}
          aria-label={t("Insert a value into {label}", { label: props.label })}
          aria-expanded={isRaw ? undefined : isPicking}
          onMouseDown={(event) => event.preventDefault()} // the field keeps the focus, and its caret
          onClick={insert}
        >
          {isRaw ? "{{ }}" : <Icon name="plus" size={16} />}
        </button>
      )}
      {isPicking && (
        <ValuePicker
          label={t("Value for {label}", { label: props.label })}
          isStrict={props.isStrict ?? false}
          names={props.names}
          onChoose={choose}
          onClose={(isEscaped) => {
            setPicking(false);
            if (isEscaped) caret.current = at().caret;
          }}
        />
      )}
      {offers.length > 0 && (
        <ul id={list} role="listbox" aria-label={t("Suggestions")} className="panel-offers">
          {offers.map((offer, index) => (
            <li
              key={offer.key}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => accept(offer)}
            >
              <Offered offer={offer} isStrict={props.isStrict ?? false} />
            </li>
          ))}
        </ul>
      )}
      <span role="status" className={message ? "panel-quiet" : "panel-hidden"}>
        {message || (listed ? counted(offers.length) : "")}
      </span>
    </div>
  );
}

const counted = (count: number): string => (count === 0 ? t("No suggestions") : tn("{count} suggestion", "{count} suggestions", count));

function offered(listed: Listed, at: Text): Offer[] {
  if (listed.kind === "names") {
    const word = wordAt(at);
    return word ? fitting(listed.all, word.word).map((name) => ({ key: name.name, name })) : [];
  }
  const sought = listed.all.some(({ value }) => value === at.text) ? "" : at.text.trim().toLowerCase();
  const found = new Map(listed.all.filter(({ value }) => value.toLowerCase().includes(sought)).map((one) => [one.value, one.detail]));
  return [...found].slice(0, MOST_CHOICES).map(([key, detail]) => ({ key, detail }));
}

// Return the caret behind the expression that it is in, which is closed if it is not.
function behindExpression({ text, caret }: Text): Text {
  let end = 0;
  for (const part of partsOf(text)) {
    end += part.text.length;
    if (end >= caret && part.isExpression) return { text, caret: end };
  }
  return { text: `${text.slice(0, caret)} }}${text.slice(caret)}`, caret: caret + 3 };
}

// Return whether a long text is no more than a word, by which people look for a choice.
const isWord = (text: string): boolean => !/\s/.test(text.trim());

function Offered({ offer: { key, name, detail }, isStrict }: { offer: Offer; isStrict: boolean }) {
  if (!name)
    return (
      <>
        <span>{key}</span> {detail && <span className="panel-quiet">{detail}</span>}
      </>
    );
  return (
    <>
      <code>{name.name}</code> <span className="panel-quiet">{name.type}</span>
      <Marks name={name} isStrict={isStrict} />
      {(name.sample !== null || name.title) && (
        <span className="panel-sample">{name.sample === null ? name.title : `Last run: ${name.sample}`}</span>
      )}
    </>
  );
}
