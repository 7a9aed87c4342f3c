import assert from "node:assert/strict";
import { test } from "node:test";

import { byVersion, Models, shared, state, sums } from "../lib/model.js";

const worker = (facts = {}) => ({ id: "9000", state: "ready", pid: 7, memory: 1, restarts: 0, problem: "", ...facts });
const version = (facts = {}) => ({ name: "digits", version: "1.0", default: true, queued: 0, workers: [worker()], ...facts });
const overview = (...models) => ({ running: true, server: "1", memory_total: 1, devices: [], models, crashes: [] });
const totals = { ready: 1, workers: 1, queued: 0 };

class Server {
  asked = 0;
  done = [];
  waiting = [];
  constructor(now, held = false) {
    this.now = now;
    this.held = held;
  }
  async overview() {
    this.asked += 1;
    if (this.held) await new Promise((resolve) => this.waiting.push(resolve));
    if (this.now instanceof Error) throw this.now;
    return structuredClone(this.now);
  }
  release() {
    this.waiting.shift()();
  }
  note = (what) => async (...args) => void this.done.push([what, ...args]);
  scale = this.note("scale");
  setDefault = this.note("default");
  unregister = this.note("unregister");
}

const open = (server, awake = () => true) => new Models(server, server, awake, 0);
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("what the server says is there after a refresh", async () => {
  const models = open(new Server(overview(version(), version({ version: "2.0", default: false }))));
  await models.refresh();
  assert.deepEqual(models.named.map((each) => [each.name, each.versions.length]), [["digits", 2]]);
  assert.equal(models.find("digits").version, "1.0");
  assert.equal(models.find("digits", "2.0").default, false);
  assert.deepEqual(models.totals, { ready: 2, workers: 2, queued: 0 });
});

test("numbers are asked for only while somebody looks", async () => {
  const server = new Server(overview(version()));
  const models = open(server);
  models.note({ kind: "figures", totals: { ready: 0, workers: 3, queued: 1 }, crash: null });
  await settled();
  assert.equal(server.asked, 0);
  assert.equal(models.totals.workers, 3);
  const away = models.watch();
  await settled();
  assert.equal(server.asked, 1, "what is old is asked again when somebody looks");
  models.note({ kind: "figures", totals, crash: null });
  await settled();
  assert.equal(server.asked, 2);
  away();
  away();
  assert.equal(models.watched, false);
  models.note({ kind: "figures", totals, crash: null });
  await settled();
  assert.equal(server.asked, 2);
  models.note({ kind: "models", totals, crash: null });
  await settled();
  assert.equal(server.asked, 3, "models that come and go are news for the Running panel, too");
});

test("a page out of sight asks nothing until it is seen again", async () => {
  let awake = false;
  const server = new Server(overview(version()));
  const models = open(server, () => awake);
  models.watch();
  models.note({ kind: "models", totals, crash: null });
  await settled();
  assert.equal(server.asked, 0);
  awake = true;
  models.wake();
  models.wake();
  await settled();
  assert.equal(server.asked, 1);
});

test("many events make one question at a time", async () => {
  const server = new Server(overview(version()), true);
  const models = open(server);
  models.watch();
  for (let n = 0; n < 10; n += 1) models.note({ kind: "figures", totals, crash: null });
  await settled();
  assert.equal(server.asked, 1);
  for (let n = 0; n < 10; n += 1) models.note({ kind: "figures", totals, crash: null });
  await settled();
  assert.equal(server.asked, 1);
  server.release();
  await settled();
  assert.equal(server.asked, 2, "once more for all that came meanwhile");
  server.release();
  await settled();
  assert.equal(server.asked, 2);
});

test("a crash is reported once, and not again after a reload", async () => {
  const crash = { number: 1, model: "digits", version: "1.0", worker: "9000" };
  const server = new Server({ ...overview(version()), crashes: [crash] });
  const models = open(server);
  const seen = [];
  models.crashed.connect((_, each) => seen.push(each.number));
  await models.refresh();
  models.note({ kind: "crash", totals, crash });
  models.note({ kind: "crash", totals, crash: { ...crash, number: 2 } });
  models.note({ kind: "crash", totals, crash: { ...crash, number: 2 } });
  assert.deepEqual(seen, [2]);
  assert.equal(models.crash(2).number, 2);
  assert.equal(models.crash(1).number, 1);
});

test("a server that does not answer is a problem until it does", async () => {
  const server = new Server(new Error("gone"));
  const models = open(server);
  await models.refresh();
  assert.equal(models.problem, "gone");
  server.now = overview(version());
  await models.refresh();
  assert.equal(models.problem, "");
});

test("the default version leaves its place to the newest other one", async () => {
  const versions = ["1.9", "1.10", "1.2"].map((each) => version({ version: each, default: each === "1.9" }));
  const server = new Server(overview(...versions));
  const models = open(server);
  await models.refresh();
  await models.unserve("digits", "1.9");
  assert.deepEqual(server.done, [["default", "digits", "1.10"], ["unregister", "digits", { version: "1.9" }]]);
  server.done = [];
  await models.unserve("digits", "1.2");
  assert.deepEqual(server.done, [["unregister", "digits", { version: "1.2" }]]);
});

test("all versions go, the default one of each model last", async () => {
  const server = new Server(overview(version(), version({ version: "2.0", default: false }), version({ name: "other" })));
  const models = open(server);
  await models.refresh();
  await models.unserveAll();
  assert.deepEqual(server.done.map(([, name, { version: which }]) => `${name} ${which}`), ["digits 2.0", "digits 1.0", "other 1.0"]);
});

test("what did not change stays the same object", () => {
  const before = overview(version(), version({ version: "2.0" }));
  const after = shared(before, overview(version(), version({ version: "2.0", queued: 3 })));
  assert.equal(after.models[0], before.models[0]);
  assert.notEqual(after.models[1], before.models[1]);
});

test("a version in one word", () => {
  assert.equal(state(version()), "ready");
  assert.equal(state(version({ workers: [] })), "stopped");
  assert.equal(state(version({ workers: [worker(), worker({ state: "loading" })] })), "starting");
  assert.equal(state(version({ workers: [worker(), worker({ state: "failed" })] })), "failing");
  assert.equal(state(version({ workers: [worker({ state: "starting", problem: "killed" })] })), "failing");
});

test("sums and orders", () => {
  const found = [version({ queued: 2 }), version({ workers: [worker({ state: "loading" })], queued: 1 })];
  assert.deepEqual(sums(found), { ready: 1, workers: 2, queued: 3 });
  assert.deepEqual(["1.10", "1.9", "2"].sort(byVersion), ["1.9", "1.10", "2"]);
});
