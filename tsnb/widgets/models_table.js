// All models in one table: state, workers to scale in place, queue, requests, memory.

import { badge, button, count, counted, draw, h, keepKey, show, table } from "./dom.js";
import { connectionText, openLine } from "./live.js";
import { PAUSE, progressText } from "./scale.js";

const MANY = 8; // models from which on a name is looked for

export default () => {
  let line = null;
  return {
    initialize({ model }) {
      line = openLine(model);
    },
    render({ model, el }) {
      return fleetView(model, el, line);
    },
  };
};

function fleetView(model, el, line) {
  const chosen = new Map(); // "name version" → [workers asked for, timer]
  let failed = "";

  const usable = () => line.connection() !== "disconnected" && !model.get("facts").problem;

  const scale = (name, version, workers) => {
    const key = JSON.stringify([name, version]);
    clearTimeout(chosen.get(key)?.[1]);
    const apply = async () => {
      try {
        await line.ask("scale", { name, version, workers });
        failed = "";
      } catch (error) {
        failed = error.message;
      }
      chosen.delete(key);
      line.wake();
      update();
    };
    chosen.set(key, [workers, setTimeout(apply, PAUSE)]);
    update();
  };

  const workersCell = (name, version) => {
    const goal = chosen.get(JSON.stringify([name, version.version]))?.[0] ?? version.wanted;
    const label = `${name} ${version.version}`;
    const step = (sign, by, words, off) =>
      button(sign, () => scale(name, version.version, goal + by), {
        tone: "step",
        "aria-label": `One worker ${words} for ${label}`,
        disabled: off || !usable(),
      });
    return h(
      "div",
      { class: "tsnb-scaler" },
      step("−", -1, "fewer", goal === 0),
      h("output", { class: "tsnb-count" }, String(goal)),
      step("+", 1, "more", false),
      h(
        "span",
        { class: `tsnb-dim tsnb-progress${version.ready === goal || version.failure ? "" : " tsnb-working"}`, "aria-live": "polite" },
        progressText(version, goal),
      ),
    );
  };

  const row = (name, several) => (version, index) => [
    index === 0 ? h("span", { class: "tsnb-name", title: name }, name) : "",
    [version.version, several && version.default && h("span", { class: "tsnb-dim" }, " default")],
    h("span", { title: version.failure || null }, badge(version.state, version.tone)),
    workersCell(name, version),
    [count(version.queued), true],
    [count(version.requests), true],
    [count(version.errors), true],
    [version.latency || "–", true],
    version.spark_rate ? draw(version.spark_rate) : "",
    [version.total ? version.memory : "–", true],
  ];

  const headings = () => [
    "Model",
    "Version",
    "State",
    "Workers",
    ["Queue", true],
    ["Requests", true],
    ["Errors", true],
    ["Latency", true],
    "Two minutes",
    [h("span", { title: model.get("facts").memory_note }, "Memory"), true],
  ];
  const head = h("div", { class: "tsnb-head" });
  const problem = h("p", { class: "tsnb-message", role: "alert" });
  const machine = h("div", { class: "tsnb-machine" });
  const filter = h("input", { type: "search", class: "tsnb-path", placeholder: "Find a model", "aria-label": "Find a model", oninput: () => update() });
  filter.onkeydown = keepKey;
  const body = h("div", { class: "tsnb-long" });

  const update = () => {
    const facts = model.get("facts");
    el.classList.toggle("tsnb-off", !usable());
    show(
      head,
      h("span", { class: "tsnb-title" }, counted(facts.models.length, "model")),
      h("span", { class: "tsnb-dim" }, `${counted(facts.ready, "worker")} ready · `, h("span", { title: facts.memory_note }, `${facts.memory} resident`)),
      h("span", { class: "tsnb-dim", "aria-live": "polite" }, connectionText(line.connection()) || facts.problem),
      h("span", { class: "tsnb-dim tsnb-push" }, h("code", {}, facts.server)),
    );
    show(problem, failed);
    show(machine, (facts.machine ?? []).map(machineBar));
    filter.hidden = facts.models.length <= MANY && filter.value === "";
    const found = facts.models.filter((each) => each.name.toLowerCase().includes(filter.value.trim().toLowerCase()));
    const rows = found.flatMap(({ name, versions }) => versions.map(row(name, versions.length > 1)));
    const nothing = facts.models.length ? "No model has such a name." : facts.nothing;
    show(body, rows.length ? table("Models", headings(), rows.map(cells)) : h("p", { class: "tsnb-dim" }, nothing));
  };

  el.classList.add("tsnb", "tsnb-fleet");
  el.append(head, machine, problem, filter, body);
  update();
  return line.join({ el, update });
}

/** Main memory or a GPU: a bar, and the same in words. */
function machineBar({ name, share, words, title }) {
  return h(
    "div",
    { title: title || null },
    h("span", {}, name),
    h("span", { class: "tsnb-track", "aria-hidden": "true" }, h("i", { style: `width:${(100 * share).toFixed(0)}%` })),
    h("span", { class: "tsnb-dim" }, words),
  );
}

/** Cells of several parts come as [part, part]; only [content, true] means a number. */
function cells(row) {
  return row.map((cell) => (Array.isArray(cell) && cell[1] !== true ? h("span", {}, cell) : cell));
}
