// The JavaScript client against a real `tsnb serve`; test_client.py starts it and says where it is.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, ServerError } from "../../tsnb/javascript/tsnb-client.js";

const { SERVER, KEYS } = process.env;
const keys = JSON.parse(KEYS);
const client = new Client(SERVER, { token: keys.inference.key, managementUrl: SERVER, managementToken: keys.management.key });

test("the server is healthy", async () => assert.equal(await client.ping(), true));

test("a server that is not well says so without an error", async () => {
  const answer = (status, body) => async () => new Response(body, { status });
  const asking = (fetch) => new Client(SERVER, { fetch }).ping();
  assert.equal(await asking(answer(500, '{\n  "status": "Unhealthy"\n}\n')), false);
  await assert.rejects(asking(answer(500, "Internal Server Error")), { status: 500 });
});

test("a torn letter at the end of a stream is shown as such", async () => {
  const fetch = async () => new Response(new Uint8Array([103, 114, 195]));
  const seen = [];
  for await (const part of new Client(SERVER, { fetch }).stream("parts", "x")) seen.push(part);
  assert.equal(seen.join(""), "gr\ufffd");
});

test("models are listed and described", async () => {
  const names = (await client.models()).map((model) => model.modelName);
  assert.deepEqual(names, ["echo", "parts"]);
  const [described] = await client.describe("echo");
  assert.equal(described.modelVersion, "1.0");
  assert.ok(described.workers.length >= 1);
});

test("text, JSON, bytes and files are answered", async () => {
  const raw = { contentType: "application/octet-stream" };
  assert.equal(await client.predict("echo", "hello", raw), "hello");
  const bytes = await client.send("echo", new Uint8Array([1, 2, 255]));
  assert.deepEqual([...new Uint8Array(await bytes.arrayBuffer())], [1, 2, 255]);
  const file = await client.send("echo", new Blob(["from a file"], { type: "application/octet-stream" }));
  assert.equal(await file.text(), "from a file");
  assert.equal(await client.predict("echo", "versioned", { version: "1.0", ...raw }), "versioned");
  assert.deepEqual(await client.predict("echo", { a: [1, 2] }), { a: [1, 2] });
});

test("a stream arrives in parts, and leaving it ends it", async () => {
  const seen = [];
  for await (const part of client.stream("parts", "x")) seen.push(part);
  assert.equal(seen.join(""), "one two three");
  for await (const part of client.stream("parts", "x")) {
    assert.ok("one two three".startsWith(part));
    break;
  }
  const bytes = [];
  for await (const part of client.stream("parts", "x", { binary: true })) bytes.push(...part);
  assert.equal(new TextDecoder().decode(new Uint8Array(bytes)), seen.join(""));
});

test("workers are scaled", async () => {
  const { status } = await client.scale("echo", 2, { wait: true });
  assert.match(status, /Workers scaled to 2/);
  const [described] = await client.describe("echo", { version: "1.0" });
  assert.equal(described.workers.length, 2);
});

test("errors are the server's own words", async () => {
  await assert.rejects(client.predict("nobody", "x"), (error) => {
    assert.ok(error instanceof ServerError);
    assert.equal(error.status, 404);
    assert.equal(error.type, "ModelNotFoundException");
    assert.match(error.message, /nobody/);
    assert.ok(error.requestId);
    return true;
  });
  await assert.rejects(new Client(SERVER, { token: "wrong" }).predict("echo", "x"), { status: 400 });
  await assert.rejects(new Client("http://127.0.0.1:1").ping(), { status: 0, message: /Is the server running/ });
});

test("a request can be given up", async () => {
  await assert.rejects(client.predict("echo", "x", { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("models come and go", async () => {
  await client.register("echo-1.0.mar", { name: "again", workers: 1 });
  assert.equal(await client.predict("again", "hello", { contentType: "application/octet-stream" }), "hello");
  await client.unregister("again");
  await assert.rejects(client.predict("again", "x"), { status: 404 });
});

test("management stands beside inference", () => {
  assert.equal(new Client("http://localhost:8080/").managementUrl, "http://localhost:8081");
  assert.equal(new Client("http://localhost:8888/tsnb/").managementUrl, "http://localhost:8888/tsnb");
  assert.equal(client.address("a b", "1.0"), `${SERVER}/predictions/a%20b/1.0`);
});
