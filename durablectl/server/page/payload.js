// One payload of an instance: folded when it is long, to copy, to download.

import { button, copier, fill, h } from "./dom.js";
import { size } from "./format.js";

const FOLDED_LINES = 14;
const MOST_COLORED = 64 * 1024;
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

/** `update(payload)` shows what `api/instance` has of it; null is nothing. */
export function payloadView(title, id, part) {
  const element = h("section", { class: "payload" });
  const head = h("div", { class: "row-head" });
  const body = h("div", {});
  let known, unfolded = false;

  function draw(payload) {
    const name = h("h3", {}, title);
    element.classList.toggle("none", payload === null);
    if (payload === null) {
      fill(head, name);
      fill(body, h("p", { class: "quiet" }, "none"));
      return;
    }
    const lines = payload.text.split("\n");
    const folds = lines.length > FOLDED_LINES + 2;
    const shown = folds && !unfolded ? lines.slice(0, FOLDED_LINES).join("\n") : payload.text;
    fill(head, name, payload.size > 1023 && h("span", { class: "quiet" }, size(payload.size)), h("span", { class: "grow" }),
      !payload.isCut && copier(() => payload.text),
      h("a", { class: "button small", href: link(), download: "" , "aria-label": `Download ${title}` }, "Download"));
    fill(body,
      h("pre", { class: payload.isText ? "code wraps" : "code", tabindex: "0", "aria-label": title, role: "region" }, payload.isText ? shown : colored(shown)),
      payload.isCut && h("p", { class: "quiet" }, `The first ${size(payload.text.length)} of ${size(payload.size)}; download it to read all.`),
      folds && button(unfolded ? "Show less" : `Show all ${lines.length} lines`, () => {
        unfolded = !unfolded;
        draw(payload);
      }, { class: "small", "aria-expanded": String(unfolded) }));
  }

  element.append(head, body);
  const link = () => `api/payload?${new URLSearchParams({ id, part })}`;
  return {
    element,
    update(payload) {
      const text = JSON.stringify(payload);
      if (text === known) return; // leave what is being read or selected
      known = text;
      draw(payload);
    },
  };
}

/** JSON with its names, texts and other values apart by color. */
function colored(text) {
  if (text.length > MOST_COLORED) return text;
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(TOKENS)) {
    const [all, string, colon] = found;
    const token = string ?? all;
    parts.push(text.slice(at, found.index), h("span", { class: colon ? "json-name" : string ? "json-text" : "json-value" }, token));
    at = found.index + token.length;
  }
  return [...parts, text.slice(at)];
}
