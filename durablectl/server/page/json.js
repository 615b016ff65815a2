// Whether a text is JSON, and if not, where it stops to be and why. An editor that shows it.

import { h, say } from "./dom.js";

/** null for JSON, else `{ line, column, message }`, both from 1. */
function jsonError(text) {
  try {
    JSON.parse(text);
    return null;
  } catch {
    const found = new Scanner(text).error();
    const before = text.slice(0, found.at);
    const line = before.split("\n").length;
    return { line, column: found.at - before.lastIndexOf("\n"), message: found.message };
  }
}

class Scanner {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  error() {
    try {
      this.value();
      this.blank();
      if (this.at < this.text.length) this.fail("nothing is expected behind the value");
      return { at: this.at, message: "this is not JSON" };
    } catch (error) {
      if (!("at" in error)) throw error;
      return error;
    }
  }

  fail(message) {
    throw { at: this.at, message };
  }

  blank() {
    while (" \t\n\r".includes(this.text[this.at] || "x")) this.at += 1;
  }

  value() {
    this.blank();
    const next = this.text[this.at];
    if (next === "{") this.members("}", true);
    else if (next === "[") this.members("]", false);
    else if (next === '"') this.string();
    else if (!this.token(/-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null/y)) {
      this.fail(next === undefined ? "the text ends where a value is expected" : "a value is expected");
    }
  }

  members(end, named) {
    this.at += 1;
    this.blank();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      if (named) this.name();
      this.value();
      this.blank();
      const next = this.text[this.at];
      if (next !== "," && next !== end) this.fail(`'${end}' or ',' is expected`);
      this.at += 1;
      if (next === end) return;
    }
  }

  name() {
    this.blank();
    if (this.text[this.at] !== '"') this.fail("a name in double quotes is expected");
    this.string();
    this.blank();
    if (this.text[this.at] !== ":") this.fail("':' is expected");
    this.at += 1;
  }

  string() {
    const begin = this.at;
    this.at += 1;
    while (this.text[this.at] !== '"') {
      if (this.at >= this.text.length) {
        this.at = begin;
        this.fail("this string has no end");
      }
      if (this.text[this.at] < " ") this.fail("a string cannot hold a line end or control character");
      if (this.text[this.at] !== "\\") this.at += 1;
      else if (!this.token(/\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/y)) this.fail("this escape is not valid");
    }
    this.at += 1;
  }

  token(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found !== null;
  }
}

/** A field for JSON. `text()` is null when it cannot be sent; an empty one is undefined. */
export function jsonEditor({ label, hint = "" }) {
  const said = h("p", { class: "hint", id: `${label}-said`, role: "status" }, hint);
  const field = h("textarea", {
    id: label, rows: "8", spellcheck: "false", autocomplete: "off", class: "code",
    "aria-describedby": said.id, oninput: () => check(), onkeydown: indent,
  });

  function check() {
    const error = field.value.trim() ? jsonError(field.value) : null;
    field.setAttribute("aria-invalid", error !== null);
    said.classList.toggle("bad", error !== null);
    say(said, error ? `Line ${error.line}, column ${error.column}: ${error.message}` : hint);
    return error;
  }

  /** Tab stays the way out of the field; a new line keeps the indent. */
  function indent(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    const before = field.value.slice(0, field.selectionStart);
    const blanks = /(?:^|\n)([ \t]*)[^\n]*$/.exec(before)[1];
    if (!blanks) return;
    event.preventDefault();
    field.setRangeText(`\n${blanks}`, field.selectionStart, field.selectionEnd, "end");
    check();
  }

  return {
    field,
    said,
    set(text) {
      field.value = text;
      check();
    },
    text() {
      if (!field.value.trim()) return undefined;
      return check() ? null : field.value;
    },
  };
}
