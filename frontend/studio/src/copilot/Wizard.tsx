// A workflow from a few choices, without a model.
import { useEffect, useId, useRef } from "react";

import { t } from "../language";
import { Icon } from "../ui/icons";
import type { Copilot } from "./copilot";
import { amountsOf, FILTERS, fitted, offered, targetsOf, TIMES, withMore, withSource, withTarget, type Amount, type Chosen, type Offer, type OfferedPlace, type Offers } from "./building";

const AMOUNTS: Record<Amount, () => string> = { each: () => t("one by one"), list: () => t("all in one list"), count: () => t("only how many there are") };
const MOST_TARGETS = 12;
const MOST_KINDS = 12;

interface Shown {
  chosen: Chosen;
  offers: Offers;
  change(chosen: Chosen): void;
}

export function Wizard({ copilot }: { copilot: Copilot }) {
  const { offers, building } = copilot;
  if (!offers || !building) return <p className="studio-quiet">{t("Loading …")}</p>;
  return <Form copilot={copilot} offers={offers} chosen={building} />;
}

// It stands above the conversation, maybe out of view.
function useInView(copilot: Copilot) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const log = form.current?.closest(".copilot-log");
    if (!copilot.isWizardWanted || !form.current || !log) return;
    log.scrollTop = form.current.offsetTop - 8; // the log is what it is placed in
    form.current.querySelector<HTMLElement>("select, input, textarea")?.focus({ preventScroll: true });
  }, [copilot]);
  return form;
}

function Form({ copilot, offers, chosen }: { copilot: Copilot; offers: Offers; chosen: Chosen }) {
  const form = useInView(copilot);
  const shown = { chosen, offers, change: (next: Chosen) => copilot.fill(fitted(next, offers)) };
  return (
    <form
      ref={form}
      className="copilot-wizard"
      aria-label={t("Build it step by step")}
      onSubmit={(event) => {
        event.preventDefault();
        void copilot.build(chosen);
      }}
    >
      <SourcePart {...shown} />
      <StartPart {...shown} />
      <OnlyPart {...shown} />
      <KindsPart {...shown} />
      <TargetsPart {...shown} />
      <p className="copilot-row">
        <button type="submit" className="studio-button" data-tone="primary" disabled={copilot.isWorking}>
          {t("Propose it")}
        </button>
        <button type="button" className="studio-button" onClick={() => copilot.openWizard(false)}>
          {t("Cancel")}
        </button>
        <small className="studio-quiet">{t("You see what it does before you accept it.")}</small>
      </p>
    </form>
  );
}

function SourcePart({ chosen, offers, change }: Shown) {
  const source = offered(offers.sources, chosen.source);
  return (
    <fieldset>
      <legend>{t("What is read?")}</legend>
      <Choice label={t("Source")} value={chosen.source} options={offers.sources.map(named)} onChange={(name) => change(withSource(chosen, offers, name))} />
      <Places places={source.places} values={chosen.places} onChange={(places) => change({ ...chosen, places })} />
      <Missing offer={source} />
    </fieldset>
  );
}

function StartPart({ chosen, offers, change }: Shown) {
  const source = offered(offers.sources, chosen.source);
  const options = [
    ...(source.needs_start ? [] : [{ value: "hand", title: t("when I start it") }, { value: "schedule", title: t("at fixed times") }]),
    ...(source.can_start ? [{ value: "new", title: t("for each new one") }] : []),
  ];
  const isPreset = TIMES.some((one) => one.cron === chosen.cron);
  const times = [...TIMES.map((one) => ({ value: one.cron, title: t(one.title) })), { value: "", title: t("other times (cron)") }];
  return (
    <fieldset>
      <legend>{t("When does it start?")}</legend>
      <Choice label={t("Start")} value={chosen.start} options={options} onChange={(start) => change({ ...chosen, start: start as Chosen["start"] })} />
      {chosen.start === "schedule" && (
        <>
          <Choice label={t("Times")} value={isPreset ? chosen.cron : ""} options={times} onChange={(cron) => change({ ...chosen, cron })} />
          {!isPreset && <Text label={t("Five fields of cron, such as 30 7 * * 1-5")} value={chosen.cron} isRequired onChange={(cron) => change({ ...chosen, cron })} />}
        </>
      )}
    </fieldset>
  );
}

function OnlyPart({ chosen, offers, change }: Shown) {
  const { filters } = offered(offers.sources, chosen.source);
  const names = filters.flatMap((one) => (one === "column" ? ["column", "above"] : [one]));
  const put = (name: string, value: string | boolean) => change({ ...chosen, only: { ...chosen.only, [name]: value } });
  if (names.length === 0) return null;
  return (
    <details>
      <summary>{t("Only some of them")}</summary>
      <div className="copilot-fields">
        {names.map((name) => {
          const filter = FILTERS[name];
          if (!filter) return null;
          const value = chosen.only[name];
          if (filter.kind === "tick") return <Tick key={name} label={t(filter.title)} value={value === true} onChange={(next) => put(name, next)} />;
          return <Text key={name} label={t(filter.title)} value={String(value ?? "")} isNumber={filter.kind === "number"} onChange={(next) => put(name, next)} />;
        })}
      </div>
    </details>
  );
}

function KindsPart({ chosen, offers, change }: Shown) {
  const put = (index: number, one: Partial<Chosen["kinds"][number]>) =>
    change({ ...chosen, kinds: chosen.kinds.map((kind, place) => (place === index ? { ...kind, ...one } : kind)) });
  const isOne = fitted(chosen, offers).amount === "each";
  return (
    <details>
      <summary>{t("Let a model read them")}</summary>
      <div className="copilot-fields">
        <Tick label={t("Sum them up")} value={chosen.is_summarized} onChange={(is_summarized) => change({ ...chosen, is_summarized })} />
        {isOne && <p className="studio-quiet">{t("Sort them into kinds, and do something else with each.")}</p>}
        {chosen.kinds.map((kind, index) => (
          <div className="copilot-kind" key={index}>
            <Text label={t("Kind")} value={kind.name} isRequired onChange={(name) => put(index, { name })} />
            <Text label={t("What it means")} value={kind.meaning} onChange={(meaning) => put(index, { meaning })} />
            <Remove label={t("Remove the kind {name}", { name: kind.name })} onClick={() => change({ ...chosen, kinds: chosen.kinds.filter((_, place) => place !== index) })} />
          </div>
        ))}
        {isOne && chosen.kinds.length < MOST_KINDS && (
          <button type="button" className="studio-button" onClick={() => change({ ...chosen, kinds: [...chosen.kinds, { name: "", meaning: "" }] })}>
            {t("Add a kind")}
          </button>
        )}
      </div>
    </details>
  );
}

function TargetsPart(shown: Shown) {
  const { chosen, offers, change } = shown;
  const amounts = amountsOf(chosen, offers);
  return (
    <fieldset>
      <legend>{t("What becomes of them?")}</legend>
      {chosen.targets.map((_, index) => (
        <TargetPart key={index} {...shown} index={index} />
      ))}
      {amounts.length > 1 && (
        <Choice label={t("How many at once")} value={chosen.amount} options={amounts.map((one) => ({ value: one, title: AMOUNTS[one]() }))} onChange={(amount) => change({ ...chosen, amount: amount as Amount })} />
      )}
      {chosen.targets.length < MOST_TARGETS && (
        <button type="button" className="studio-button" onClick={() => change(withMore(chosen, offers))}>
          {t("And something else")}
        </button>
      )}
    </fieldset>
  );
}

function TargetPart({ chosen, offers, change, index }: Shown & { index: number }) {
  const one = chosen.targets[index]!;
  const offer = offered(offers.targets, one.target);
  const put = (next: Partial<typeof one>) => change(withTarget(chosen, offers, index, next));
  const kinds = chosen.kinds.filter((kind) => kind.name.trim());
  return (
    <div className="copilot-target" role="group" aria-label={t("Target {number}", { number: index + 1 })}>
      <Choice label={t("Do this")} value={one.target} options={targetsOf(offers, chosen.source).map(named)} onChange={(target) => put({ target })} />
      <Places places={offer.places} values={one.places} onChange={(places) => put({ places })} />
      {offer.takes_text && <Text label={offer.needs_text ? t("Text") : t("Text of your own (optional)")} value={one.text} isRequired={offer.needs_text} isLong onChange={(text) => put({ text })} />}
      {kinds.length > 0 && (
        <Choice label={t("For")} value={one.when} options={[{ value: "", title: t("all kinds") }, ...kinds.map((kind) => ({ value: kind.name.trim(), title: kind.name.trim() }))]} onChange={(when) => put({ when })} />
      )}
      <Tick label={t("Ask me before each one")} value={one.is_approved} onChange={(is_approved) => put({ is_approved })} />
      {chosen.targets.length > 1 && <Remove label={t("Remove target {number}", { number: index + 1 })} onClick={() => change({ ...chosen, targets: chosen.targets.filter((_, place) => place !== index) })} />}
      <Missing offer={offer} />
    </div>
  );
}

const named = (one: Offer): { value: string; title: string } => ({ value: one.name, title: one.is_connected ? t(one.title) : t("{title} (not connected)", { title: t(one.title) }) });

function Missing({ offer }: { offer: Offer }) {
  if (offer.is_connected) return null;
  return <p className="copilot-warning">{t("No account of {service} is connected yet. Add one on the page Connections.", { service: offer.service })}</p>;
}

function Places({ places, values, onChange }: { places: OfferedPlace[]; values: Record<string, string>; onChange(values: Record<string, string>): void }) {
  return places.map((one) => (
    <Text
      key={one.name}
      label={one.is_list ? t("{title} (commas between)", { title: t(one.title) }) : t(one.title)}
      value={values[one.name] ?? ""}
      hint={HINTS[one.format || one.name]}
      isRequired={!one.is_optional}
      onChange={(value) => onChange({ ...values, [one.name]: value })}
    />
  ));
}

const HINTS: Record<string, string> = { "github-repository": "acme/app", "notion-database": "Tasks", "slack-channel": "#general", to: "ann@example.org", path: "reports/list.md", columns: "Name=title, Mail=url" };

interface FieldProps {
  label: string;
  value: string;
  hint?: string | undefined;
  isRequired?: boolean;
  isNumber?: boolean;
  isLong?: boolean;
  onChange(value: string): void;
}

function Text({ label, value, hint, isRequired = false, isNumber = false, isLong = false, onChange }: FieldProps) {
  const id = useId();
  const shared = { id, value, required: isRequired, placeholder: hint, onChange: (event: { target: { value: string } }) => onChange(event.target.value) };
  return (
    <div className="copilot-field">
      <label htmlFor={id}>{label}</label>
      {isLong ? <textarea {...shared} rows={2} maxLength={4000} /> : <input {...shared} type={isNumber ? "number" : "text"} min={isNumber ? 0 : undefined} maxLength={200} />}
    </div>
  );
}

function Choice({ label, value, options, onChange }: { label: string; value: string; options: { value: string; title: string }[]; onChange(value: string): void }) {
  const id = useId();
  return (
    <div className="copilot-field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.title}
          </option>
        ))}
      </select>
    </div>
  );
}

function Tick({ label, value, onChange }: { label: string; value: boolean; onChange(value: boolean): void }) {
  return (
    <label className="copilot-tick">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

function Remove({ label, onClick }: { label: string; onClick(): void }) {
  return (
    <button type="button" className="studio-plain" aria-label={label} onClick={onClick}>
      <Icon name="close" size={14} />
    </button>
  );
}
