// The prediction of what the selected step would do.
import { giveWords, type CasePrediction, type StepPrediction } from "../flow/prediction";
import { N_, t } from "../language";

const WILL = { run: N_("Would run"), skip: N_("Would be skipped"), fail: N_("Would fail"), unknown: N_("Not known") };

export function Predicted({ step }: { step: StepPrediction }) {
  const all = Object.values(step.counts).reduce((sum, one) => sum + one, 0);
  return (
    <section className="panel-predicted" aria-label={t("Prediction")}>
      <p>
        <b>{t("Prediction")}</b>: {t("it gives {what}.", { what: giveWords(step) })}
        {all === 0 && ` ${t("No run leads here.")}`}
        {all > step.cases.length && ` ${t("The first {shown} of {count} times:", { shown: step.cases.length, count: all })}`}
      </p>
      {step.cases.map((one) => (
        <Case key={one.path} case={one} />
      ))}
    </section>
  );
}

function Case({ case: one }: { case: CasePrediction }) {
  return (
    <div>
      <p>
        <code>{one.path}</code>
        {one.key && ` (${one.key})`}: {t(WILL[one.will])}. {one.why}
      </p>
      {one.fields.length > 0 && (
        <dl>
          {one.fields.map(({ name, value, was, why }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {value === null ? why : <code>{value}</code>}
                {was !== null && (
                  <>
                    {" "}
                    {t("in the run:")} <code>{was}</code>
                  </>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {one.output !== null && (
        <p>
          {t("It gives, as in the run:")} <code>{one.output}</code>
        </p>
      )}
    </div>
  );
}
