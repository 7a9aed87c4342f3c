// A list of tabs with the keys that belong to one: arrows, Home, End.

import { h, unique } from "./dom.js";

/** `state.tab` is the name of the chosen one; returns {el, panelId, idOf, update}. */
export function tabList(names, label, state, update) {
  const id = unique();
  const idOf = (name) => `${id}-${names.indexOf(name)}`;
  const go = (name) => {
    state.tab = name;
    update();
    buttons[names.indexOf(name)].focus();
  };
  const onkeydown = (event) => {
    const at = names.indexOf(state.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + names.length, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(names[to % names.length]);
  };
  const buttons = names.map((name) =>
    h("button", { type: "button", role: "tab", id: idOf(name), "aria-controls": id, onclick: () => go(name), onkeydown }, name),
  );
  return {
    el: h("div", { role: "tablist", class: "tsnb-tabs", "aria-label": label }, buttons),
    panelId: id,
    idOf,
    update: () =>
      buttons.forEach((each, index) => {
        each.setAttribute("aria-selected", String(names[index] === state.tab));
        each.tabIndex = names[index] === state.tab ? 0 : -1;
      }),
  };
}
