// How many workers: a slider and two buttons that act while they are moved, and what comes of it.

import { button, counted, h, show } from "./dom.js";

export const PAUSE = 350; // milliseconds after the last press of a button

/** A control bound to `current()` → version facts, calling `scale(workers)`; returns {el, update}. */
export function scaler(label, current, scale) {
  let chosen = null; // what the user asked for and the server has not taken up yet
  let timer = null;
  let most = 0; // the end of the slider: it grows and never shrinks, so that the knob stays under the pointer

  const wanted = () => chosen ?? current().wanted;
  const choose = (workers, pause) => {
    chosen = Math.max(0, workers);
    clearTimeout(timer);
    timer = setTimeout(apply, pause);
    update();
  };
  const apply = async () => {
    const asked = chosen;
    await scale(asked);
    if (chosen === asked) chosen = null;
    update();
  };

  const slider = h("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": label,
    oninput: () => {
      chosen = Number(slider.value);
      clearTimeout(timer);
      update();
    },
    onchange: () => choose(Number(slider.value), 0),
  });
  const fewer = button("−", () => choose(wanted() - 1, PAUSE), { "aria-label": "One worker fewer", tone: "step" });
  const more = button("+", () => choose(wanted() + 1, PAUSE), { "aria-label": "One worker more", tone: "step" });
  const number = h("output", { class: "tsnb-count" });
  const progress = h("span", { class: "tsnb-progress tsnb-dim", "aria-live": "polite" });

  let usable = true;
  const update = (now = usable) => {
    usable = now;
    const facts = current();
    const goal = wanted();
    most = Math.max(most, facts.most, goal);
    slider.max = most;
    slider.value = goal;
    slider.setAttribute("aria-valuetext", counted(goal, "worker"));
    for (const part of [slider, more]) part.disabled = !usable;
    fewer.disabled = !usable || goal === 0;
    show(number, String(goal));
    show(progress, progressText(facts, goal));
    progress.classList.toggle("tsnb-working", facts.ready !== goal && !facts.failure);
  };

  return { el: h("div", { class: "tsnb-scaler" }, fewer, slider, more, number, progress), update };
}

/** "ready" beside the number, "1 of 4 ready", "stopping 2". */
export function progressText(facts, goal) {
  if (facts.ready < goal) return `${facts.ready} of ${goal} ready`;
  if (facts.ready > goal) return `stopping ${facts.ready - goal}`;
  return goal === 0 ? "" : "ready";
}
