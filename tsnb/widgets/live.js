// The line to the kernel: questions with answers, and refreshes at a calm pace while somebody looks.

import { letApplicationKeysPass } from "./dom.js";

const PACE = { busy: 700, usual: 2000, idle: 6000 };
const IDLE_AFTER = 10; // refreshes without news
const GONE = { message: "The kernel is gone. Run the cell again." };
const PATIENCE = 5000; // a refresh unanswered for longer means a busy kernel, or none

/**
 * One line per widget model, shared by its views.
 *
 * `connection()` is "live", "waiting" (the kernel does not answer, it may be busy) or "disconnected" (it is gone).
 * No refresh is sent before the last one was answered, so nothing piles up in front of a busy kernel.
 */
export function openLine(model) {
  const pending = new Map();
  const views = new Set();
  const self = Math.random().toString(36).slice(2);
  let connection = "live";
  let timer = null;
  let quiet = 0;
  let number = 0;
  let asking = false;
  let heard = 0;

  const become = (state) => {
    if (connection === state) return;
    connection = state;
    if (state === "disconnected") pending.forEach((settle) => settle({ error: GONE }));
    for (const view of views) view.update();
  };

  const onMessage = (message, buffers) => {
    const settle = pending.get(message.id);
    if (!settle) return;
    hear();
    if (message.kind === "part") settle.part?.(message, buffers ?? []);
    else settle(message, buffers ?? []);
  };

  /** Something came from the kernel, so it lives. */
  const hear = () => {
    heard = Date.now();
    become("live");
  };

  /**
   * Ask the kernel; resolves with [reply, buffers], and rejects when the kernel is gone.
   * `part` hears of an answer that arrives piece by piece; `begun` is told the question's id, by which to cancel it.
   */
  const ask = (kind, content = {}, buffers = [], { part, begun } = {}) =>
    new Promise((resolve, reject) => {
      const id = `${self}-${(number += 1)}`;
      begun?.(id);
      const settle = (reply, parts) => {
        pending.delete(id);
        if (reply.error) reject(reply.error);
        else resolve([reply, parts]);
      };
      settle.part = part;
      pending.set(id, settle);
      try {
        model.send({ kind, id, ...content }, undefined, buffers);
      } catch {
        become("disconnected");
      }
    });

  const watched = () => !document.hidden && [...views].some((view) => view.visible);

  const refresh = async () => {
    timer = null;
    if (asking || connection === "disconnected" || !watched()) return;
    asking = true;
    const doubt = setInterval(() => Date.now() - heard > PATIENCE && become("waiting"), PATIENCE);
    heard = Date.now();
    try {
      const [reply] = await ask("refresh");
      quiet = reply.news ? 0 : quiet + 1;
      plan(reply.busy ? PACE.busy : quiet > IDLE_AFTER ? PACE.idle : PACE.usual);
    } catch {
      plan(PACE.idle);
    } finally {
      clearInterval(doubt);
      asking = false;
    }
  };

  const plan = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, delay);
  };

  /** Look again now: after an action, or when a view comes into sight. */
  const wake = () => {
    quiet = 0;
    if (!asking) plan(50);
  };

  const onVisibility = () => !document.hidden && wake();
  const onNews = () => {
    if (connection === "waiting") hear();
    views.forEach((view) => view.update());
  };
  const onComm = () => become("disconnected"); // a message that still arrives says otherwise

  const start = () => {
    model.on("msg:custom", onMessage);
    model.on("change:facts", onNews);
    model.on("change:history", onNews);
    model.on("comm_live_update", onComm);
    document.addEventListener("visibilitychange", onVisibility);
  };
  const stop = () => {
    clearTimeout(timer);
    model.off("msg:custom", onMessage);
    model.off("change:facts", onNews);
    model.off("change:history", onNews);
    model.off("comm_live_update", onComm);
    document.removeEventListener("visibilitychange", onVisibility);
  };

  /** Let a view {el, update} take part; returns the function that lets it go. */
  const join = (view) => {
    view.visible = false;
    const observer = new IntersectionObserver((entries) => {
      view.visible = entries.at(-1).isIntersecting;
      if (view.visible) wake();
    });
    if (views.size === 0) start();
    views.add(view);
    observer.observe(view.el);
    letApplicationKeysPass(view.el);
    return () => {
      observer.disconnect();
      views.delete(view);
      if (views.size === 0) stop();
    };
  };

  return { ask, wake, join, connection: () => connection };
}

/** What to say about the line, or "". */
export function connectionText(connection) {
  return { live: "", waiting: "no answer from the kernel: busy, or restarted", disconnected: "disconnected: run the cell again" }[connection];
}
