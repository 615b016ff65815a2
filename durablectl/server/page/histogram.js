// Starts over time as bars; a part of it can be selected with a pointer.

import { brushable, fill, h, s } from "./dom.js";
import { clock, counted, millis, span } from "./format.js";

const HEIGHT = 40;

/** `update(starts)` draws; `onRange(from, to)` is called with what was selected, in milliseconds. */
export function histogram(onRange) {
  const bars = s("svg", { class: "bars", preserveAspectRatio: "none", "aria-hidden": "true" });
  const brush = h("div", { class: "brush", hidden: true });
  const plot = h("div", { class: "plot" }, bars, brush);
  const begin = h("span", {}), middle = h("span", {}), end = h("span", {});
  const element = h("figure", { class: "histogram" }, plot, h("figcaption", {}, begin, middle, end));
  let starts = null;

  brushable(plot, (low, high) => {
    const count = starts?.all.length;
    if (starts && high - low > 0.005) onRange(time(Math.floor(low * count)), time(Math.min(Math.ceil(high * count), count)) - 1);
  }, (part) => {
    brush.hidden = !part || !starts;
    if (!part) return;
    brush.style.left = `${part[0] * 100}%`;
    brush.style.width = `${(part[1] - part[0]) * 100}%`;
  });
  const time = (index) => millis(starts.begin) + index * starts.seconds * 1000;

  return {
    element,
    update(given) {
      starts = given;
      element.classList.toggle("empty", !starts);
      if (!starts) {
        fill(bars);
        return;
      }
      const most = Math.max(...starts.all, 1);
      const count = starts.all.length;
      bars.setAttribute("viewBox", `0 0 ${count} ${HEIGHT}`);
      fill(bars, starts.all.map((number, index) => number > 0 && bar(number, starts.failed[index], index, most)));
      begin.textContent = clock(starts.begin);
      middle.textContent = starts.all.some(Boolean) ? `starts per ${span(starts.seconds * 1000)}, at most ${most}` : "no starts";
      end.textContent = clock(time(count));
      const all = starts.all.reduce((a, b) => a + b, 0), failed = starts.failed.reduce((a, b) => a + b, 0);
      element.setAttribute("aria-label", `${counted(all, "start")}, ${failed} failed`);
    },
  };

  function bar(number, failed, index, most) {
    const height = Math.max((number / most) * HEIGHT, 1.5);
    const red = failed ? Math.max((failed / most) * HEIGHT, 1.5) : 0;
    return s("g", {},
      s("title", {}, `${clock(time(index))}: ${counted(number, "start")}${failed ? `, ${failed} failed` : ""}`),
      s("rect", { x: index + 0.08, width: 0.84, y: HEIGHT - height, height, class: "all" }),
      failed > 0 && s("rect", { x: index + 0.08, width: 0.84, y: HEIGHT - red, height: red, class: "failed" }));
  }
}
