// Keys that work in every view, and the list of all keys.

import { button, h } from "./dom.js";

const KEYS = [
  ["/", "search the instances"],
  ["↑ ↓, j k", "move in the list"],
  ["Enter", "open the instance"],
  ["x", "select the instance"],
  ["→ ←", "show and hide sub-orchestrations"],
  ["i, n, c", "go to Instances, Start, Compare"],
  ["+ − 0", "zoom the timeline, show all of it"],
  ["Esc", "close a dialog, leave a field"],
  ["?", "show this list"],
];

/** Listen until the page ends. */
export function listenToKeys(app) {
  const go = { i: () => app.go("instances"), n: () => app.go("start"), c: () => app.go("compare") };
  document.addEventListener("keys", showKeys);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      const search = document.getElementById("search");
      if (search) search.focus();
      else app.go("instances", { focus: "search" });
    } else if (event.key === "?") showKeys();
    else go[event.key]?.();
  });
}

/** Whether keys are text there. */
export function isField(element) {
  return element.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

function showKeys() {
  const dialog = h("dialog", { "aria-labelledby": "keys-title", onclose: () => dialog.remove() },
    h("h2", { id: "keys-title" }, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([keys, what]) => [h("dt", {}, keys), h("dd", {}, what)])),
    h("div", { class: "buttons" }, button("Close", () => dialog.close(), { autofocus: true })),
  );
  document.body.append(dialog);
  dialog.showModal();
}
