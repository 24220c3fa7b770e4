// What the selected step would do, as a prediction.
import { giveWords, type CasePrediction, type StepPrediction } from "../flow/prediction";

const WILL = { run: "Would run", skip: "Would be skipped", fail: "Would fail", unknown: "Not known" };

export function Predicted({ step }: { step: StepPrediction }) {
  const all = Object.values(step.counts).reduce((sum, one) => sum + one, 0);
  return (
    <section className="panel-predicted" aria-label="Prediction">
      <p>
        <b>Prediction</b>: it gives {giveWords(step)}.{all === 0 && " No run leads here."}
        {all > step.cases.length && ` The first ${step.cases.length} of ${all} times:`}
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
        {one.key && ` (${one.key})`}: {WILL[one.will]}. {one.why}
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
                    in the run: <code>{was}</code>
                  </>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {one.output !== null && (
        <p>
          It gives, as in the run: <code>{one.output}</code>
        </p>
      )}
    </div>
  );
}
