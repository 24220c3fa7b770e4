// Below the field of a time: a clock of the reader's own zone. The file keeps the time with its offset.
import { locale, t } from "../language";

interface Props {
  label: string;
  // What the field has: a time with its offset, a duration, or "".
  value: string;
  onPick(time: string): void;
}

export function Clock({ label, value, onPick }: Props) {
  const at = momentOf(value);
  return (
    <label className="panel-quiet">
      {t("At a time, in the time zone {zone}:", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}{" "}
      <input
        type="datetime-local"
        aria-label={t("Date and time: {label}", { label })}
        value={at ? withOffset(at).slice(0, 16) : ""}
        onChange={(event) => event.target.value && onPick(withOffset(new Date(event.target.value)))}
      />
    </label>
  );
}

// Return a time in the reader's zone, `Tue 1 Dec 2026, 08:00 CET`; "" for what is none.
export function timeWords(text: string): string {
  const at = momentOf(text);
  if (!at) return "";
  return new Intl.DateTimeFormat(locale(), { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(at);
}

// Return a time of the reader's clock with its offset: `2026-12-01T08:00:00+01:00`.
export function withOffset(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const clock = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");
  return `${clock}${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

function momentOf(text: string): Date | undefined {
  const at = /^\d{4}-\d\d-\d\d[T ].*(Z|[+-]\d\d:?\d\d)$/i.test(text) ? new Date(text) : undefined;
  return at && !Number.isNaN(at.getTime()) ? at : undefined;
}
