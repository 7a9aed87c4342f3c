// A load test: how far it is, its charts, its table.

import { badge, button, draw, h, show, table } from "./dom.js";
import { connectionText, openLine } from "./live.js";

export default () => {
  let line = null;
  return {
    initialize({ model }) {
      line = openLine(model);
    },
    render({ model, el }) {
      return loadView(model, el, line);
    },
  };
};

function loadView(model, el, line) {
  const facts = () => model.get("facts");
  let failed = "";
  const act = (kind) => async () => {
    try {
      await line.ask(kind);
      failed = "";
    } catch (error) {
      failed = error.message;
    }
    line.wake();
    update();
  };
  const head = h("div", { class: "tsnb-head" });
  const bar = h("progress", { max: 1, "aria-label": "Progress of the load test" });
  const now = h("div", { class: "tsnb-dim", "aria-live": "polite" });
  const live = h("div", { class: "tsnb-charts" });
  const charts = h("div", { class: "tsnb-charts" });
  const body = h("div", { class: "tsnb-outcome" });
  const problem = h("p", { class: "tsnb-message", role: "alert" });

  const actions = (facts, usable) => {
    if (!facts.running) return button("Run again", act("again"), { disabled: !usable });
    if (facts.background) return button("Stop", act("stop"), { disabled: !usable });
    return h("span", { class: "tsnb-dim" }, "interrupt the kernel to stop");
  };

  const update = () => {
    const seen = facts();
    const usable = line.connection() !== "disconnected";
    const busy = seen.running && line.connection() === "waiting"; // the cell itself runs it, so the kernel cannot answer
    el.classList.toggle("tsnb-off", !usable);
    show(
      head,
      h("span", { class: "tsnb-title" }, `load test of ${seen.model}`),
      badge(usable || !seen.running ? seen.state : "last seen running", usable ? seen.tone : "quiet"),
      h("span", { class: "tsnb-dim" }, seen.what),
      h("span", { class: "tsnb-dim", "aria-live": "polite" }, busy ? "" : connectionText(line.connection())),
      h("span", { class: "tsnb-push" }, actions(seen, usable)),
    );
    bar.hidden = now.hidden = live.hidden = !seen.running;
    bar.value = seen.progress;
    show(now, seen.now);
    live.replaceChildren(...seen.live.map(draw));
    charts.replaceChildren(...seen.charts.map(draw));
    show(problem, failed || seen.failed);
    const row = (cells, index) => cells.map((cell, place) => [place === 0 && index === seen.knee ? h("strong", {}, cell, " knee") : cell, true]);
    show(
      body,
      seen.rows.length > 0 && table("Results", seen.headings.map((each) => [each, true]), seen.rows.map(row)),
      seen.errors.map(([text, times]) => h("div", { class: "tsnb-head" }, badge(text, "bad"), `${times} ×`)),
      seen.notes.map((note) => h("div", { class: "tsnb-dim" }, note)),
    );
  };
  el.classList.add("tsnb", "tsnb-card");
  el.append(head, problem, bar, now, live, charts, body);
  update();
  return line.join({ el, update });
}
