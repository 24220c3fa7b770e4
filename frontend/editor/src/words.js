// The texts of the editor in the language of the page.

let texts = {};

// Use these texts: the translation of each by its English text.
export function speak(translations) {
  texts = translations;
}

// Return the translations by their English texts.
export const spoken = () => texts;

// Return a text in the language of the page.
export const t = (text) => texts[text] ?? text;
