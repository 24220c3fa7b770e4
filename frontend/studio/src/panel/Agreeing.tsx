// The button by which a person agrees to the accounts that a try would touch.
import { t } from "../language";

export function Agreeing({ asks = [], onAgree }: { asks?: string[] | undefined; onAgree(names: string[]): unknown }) {
  if (asks.length === 0) return null;
  return (
    <button type="button" className="panel-add" onClick={() => void onAgree(asks)}>
      {t("Agree, and try")}
    </button>
  );
}
