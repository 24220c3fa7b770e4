// Who answers: rules on this machine, or a model somewhere, and what is sent there. Nothing is sent before a person agrees.
import { useId } from "react";

import { said, t } from "../language";
import type { Copilot } from "./copilot";
import type { Preview, Setup } from "./shapes";
import { money, number } from "./words";

export function Model({ copilot }: { copilot: Copilot }) {
  const { setup } = copilot;
  if (!setup || !setup.is_available || !setup.is_on) {
    return <NoModel setup={setup} />;
  }
  return setup.is_agreed ? <Agreed copilot={copilot} setup={setup} /> : <FirstUse copilot={copilot} setup={setup} />;
}

// The page of connections looks for a model on this machine, and has the form for any other.
function NoModel({ setup }: { setup: Setup | null }) {
  const without = setup?.is_demo
    ? t("This is the demo: a scripted model answers the ten questions that are shown here, and nothing leaves this machine. Connect a model to ask in your own words.")
    : t("Without a model, only the commands below are understood.");
  return (
    <div className="copilot-model">
      <p className="studio-quiet">{[setup?.is_demo ? "" : said(setup?.why_not ?? ""), without].filter(Boolean).join(" ")}</p>
      {setup?.is_on && (
        <p>
          <a className="studio-button" href="/connections?do=model">
            {t("Connect a model")}
          </a>
        </p>
      )}
    </div>
  );
}

function Agreed({ copilot, setup }: { copilot: Copilot; setup: Setup }) {
  return (
    <details className="copilot-model">
      <summary>{t("{model} at {host} answers.", { model: setup.model, host: setup.host })}</summary>
      <Sends setup={setup} />
      <p className="copilot-row">
        <PreviewButton copilot={copilot} />
        <button type="button" className="studio-button" onClick={() => void copilot.disagree()}>
          {t("Send nothing any more")}
        </button>
      </p>
      {copilot.preview && <Sent preview={copilot.preview} />}
    </details>
  );
}

function FirstUse({ copilot, setup }: { copilot: Copilot; setup: Setup }) {
  const title = useId();
  return (
    <section className="copilot-first" aria-labelledby={title}>
      <h4 id={title}>{t("A model can answer, too")}</h4>
      <p>{t("If you agree, your questions go to {model} at {host}:", { model: setup.model, host: setup.host })}</p>
      <Sends setup={setup} />
      <p className="copilot-row">
        <button type="button" className="studio-button" data-tone="primary" onClick={() => void copilot.agree()}>
          {t("Agree")}
        </button>
        <PreviewButton copilot={copilot} />
      </p>
      {copilot.preview && <Sent preview={copilot.preview} />}
      <p className="studio-quiet">{t("Until then, only the commands below are understood, and nothing leaves this machine.")}</p>
    </section>
  );
}

function Sends({ setup: { sends, price, limits } }: { setup: Setup }) {
  return (
    <ul>
      {sends.map((one) => (
        <li key={one}>{said(one)}</li>
      ))}
      <li>{t("At most {calls} calls, {tokens} tokens and {seconds} s for an answer.", { calls: limits.calls, tokens: number(limits.tokens), seconds: limits.seconds })}</li>
      <li>{price ? t("{input} per million tokens sent, {output} per million received.", { input: money(price.input_per_million), output: money(price.output_per_million) }) : t("The price of this model is not known.")}</li>
    </ul>
  );
}

function PreviewButton({ copilot }: { copilot: Copilot }) {
  const isShown = copilot.preview !== null;
  return (
    <button type="button" className="studio-button" aria-expanded={isShown} onClick={() => (isShown ? copilot.hidePreview() : void copilot.showPreview())}>
      {isShown ? t("Hide what would be sent") : t("Show exactly what would be sent")}
    </button>
  );
}

function Sent({ preview: { host, messages, tools, answer_schema, input_tokens, most_cost_usd } }: { preview: Preview }) {
  return (
    <div className="copilot-sent">
      <p>
        {t("To {host}, {tokens} tokens.", { host, tokens: number(input_tokens) })} {most_cost_usd !== null && t("At most {money} within these limits; the last call may go over them.", { money: money(most_cost_usd) })}
      </p>
      {tools.length > 0 && <p className="studio-quiet">{t("With the tools: {names}", { names: tools.join(", ") })}</p>}
      {messages.map((one, index) => (
        <details key={index} open={index === messages.length - 1}>
          <summary>{one.role}</summary>
          <pre tabIndex={0} aria-label={t("Message {number}", { number: index + 1 })}>
            {one.text}
          </pre>
        </details>
      ))}
      {answer_schema && (
        <details>
          <summary>{t("What the model may answer")}</summary>
          <pre tabIndex={0} aria-label={t("What the model may answer")}>
            {JSON.stringify(answer_schema, null, 1)}
          </pre>
        </details>
      )}
    </div>
  );
}
