// Expressions in words.
import { expect, test } from "vitest";

import type { ScopeName } from "../src/panel/completion";
import { meaning } from "../src/panel/meaning";

const name = (of: string, title = "", type = "string"): ScopeName => ({ name: of, type, may_be_missing: false, from_outside: false, title, sample: null });
const NAMES = [name("mail", "", "object"), name("mail.subject", "Subject"), name("mail.can_reply"), name("steps.read.output", "", "object"), name("steps.read.output.vendor"), name("inputs.since", "Only mails since"), name("size(x)", "How many", "function")];

test.each([
  ["{{ mail.subject }}", "Subject of the mail"],
  ["{{ (mail.subject == '' ? '(no subject of mail.can_reply)' : mail.subject) }}", "Subject of the mail"],
  ["{{ mail.subject.lowerAscii() }} {{ mail.can_reply }}", "Subject of the mail, can reply of the mail"],
  ["{{ steps.read.output.vendor }} {{ steps.read.output }}", "vendor of “Find it”, what “Find it” gives"],
  ["{{ inputs.since }}", "the input “Only mails since”"],
  ["{{ text(mail) }}", "the mail"],
  ["mail.subject", ""],
  ["{{ unknown.thing }}", ""],
])("%s", (text, words) => {
  expect(meaning(text, NAMES, () => "Find it")).toBe(words);
});
