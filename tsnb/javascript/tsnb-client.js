/**
 * Calls models that tsnb (or TorchServe) serves, from a browser or from node 20 and later. One file, no dependencies.
 *
 *     const client = new Client("http://localhost:8888/tsnb", { token });
 *     await client.predict("digits", { x: pixels });
 *     for await (const part of client.stream("writer", "Once upon")) show(part);
 *
 * Types and the meaning of every option: tsnb-client.d.ts beside this file.
 */

const MANAGEMENT_PORTS = { 8080: 8081, 8443: 8444 };
const REFUSAL_SHOWN = 300;

/** What the server said no to, in its words; `status` is 0 when it could not be reached. */
export class ServerError extends Error {
  constructor(message, { status = 0, type = "", requestId = "", cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ServerError";
    this.status = status;
    this.type = type;
    this.requestId = requestId;
  }
}

/** A server at a URL. */
export class Client {
  constructor(url, { token = "", managementUrl = "", managementToken = "", fetch = globalThis.fetch } = {}) {
    this.url = clean(url);
    this.managementUrl = managementUrl ? clean(managementUrl) : beside(this.url);
    this._token = token;
    this._managementToken = managementToken || token;
    this._fetch = (address, options) => fetch(address, options);
  }

  /** Whether the server answers and its models have the workers they need. */
  async ping() {
    try {
      return (await (await this._ask(this.url, "ping")).json()).status === "Healthy";
    } catch (error) {
      if (error.status === 500 && error.message.includes('"Unhealthy"')) return false;
      throw error;
    }
  }

  /** Ask a model. Resolves with the answer: an object for JSON, a string for text, a Blob for everything else. */
  async predict(name, data, options = {}) {
    return decoded(await this.send(name, data, options));
  }

  /** Ask a model, and take the answer as fetch gives it: status, headers, body. */
  send(name, data, { version, headers = {}, signal, contentType } = {}) {
    const [body, type] = encoded(data);
    const sent = { ...(contentType || type ? { "Content-Type": contentType || type } : {}), ...headers };
    return this._ask(this.url, path("predictions", name, version), { method: "POST", body, headers: sent, signal });
  }

  /** Ask a model that answers bit by bit. Yields each part as it arrives; leaving the loop cancels the work. */
  async *stream(name, data, { binary = false, ...options } = {}) {
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const answer = await this.send(name, data, { ...options, signal });
    const text = new TextDecoder();
    try {
      for await (const part of parts(answer.body)) {
        const shown = binary ? part : text.decode(part, { stream: true });
        if (shown.length) yield shown;
      }
      const rest = text.decode(); // what is left of a letter that was torn
      if (rest) yield rest;
    } finally {
      stop.abort();
    }
  }

  /** All models: [{ modelName, modelUrl }]. */
  async models() {
    const found = [];
    let token = "";
    do {
      const page = await this._manage("models", { query: { limit: 100, next_page_token: token } });
      found.push(...page.models);
      token = page.models.length ? page.nextPageToken : undefined;
    } while (token);
    return found;
  }

  /** One model's versions with settings and workers; `version` is "all" unless given. */
  describe(name, { version = "all" } = {}) {
    return this._manage(path("models", name, version));
  }

  /** Take in an archive of the model store, a URL or a folder, and start its workers. */
  register(url, { name, workers = 1, batchSize, maxBatchDelay, handler, wait = true } = {}) {
    const query = {
      ...{ url, model_name: name, handler, initial_workers: workers, synchronous: wait },
      ...{ batch_size: batchSize, max_batch_delay: maxBatchDelay },
    };
    return this._manage("models", { method: "POST", query });
  }

  /** Change how many workers a version has; resolves at once, or when they are ready with `wait`. */
  scale(name, workers, { version, most = workers, wait = false } = {}) {
    const query = { min_worker: workers, max_worker: most, synchronous: wait };
    return this._manage(path("models", name, version), { method: "PUT", query });
  }

  /** Let requests without a version go to this one. */
  setDefault(name, version) {
    return this._manage(`${path("models", name, version)}/set-default`, { method: "PUT" });
  }

  /** Stop a version (the default one unless given) and forget it. */
  unregister(name, { version } = {}) {
    return this._manage(path("models", name, version), { method: "DELETE" });
  }

  /** The address at which a model answers predictions. */
  address(name, version) {
    return `${this.url}/${path("predictions", name, version)}`;
  }

  async _manage(address, options) {
    return (await this._ask(this.managementUrl, address, options, this._managementToken)).json();
  }

  async _ask(base, address, { query = {}, headers = {}, ...options } = {}, token = this._token) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
    const search = given.length ? `?${new URLSearchParams(given)}` : "";
    const all = token ? { Authorization: `Bearer ${token}`, ...headers } : headers;
    let answer;
    try {
      answer = await this._fetch(`${base}/${address}${search}`, { ...options, headers: all });
    } catch (cause) {
      if (options.signal?.aborted) throw cause;
      throw new ServerError(`No answer from ${base}: ${cause.message ?? cause}. Is the server running?`, { cause });
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

async function refusal(answer) {
  const text = await answer.text();
  const requestId = answer.headers.get("x-request-id") ?? "";
  try {
    const { code = answer.status, type = "", message } = JSON.parse(text);
    if (message) return new ServerError(message, { status: code, type, requestId });
  } catch {
    // an answer of something between here and the server
  }
  const said = text.trim().slice(0, REFUSAL_SHOWN) || answer.statusText;
  return new ServerError(`The server answered ${answer.status}: ${said}`, { status: answer.status, requestId });
}

async function decoded(answer) {
  const type = answer.headers.get("content-type") ?? "";
  if (/^(application\/json|[^;]+\+json)/i.test(type)) return answer.json();
  if (/^text\//i.test(type)) return answer.text();
  const body = await answer.blob();
  if (type) return body;
  const text = await body.text(); // handlers need not say what they return
  try {
    return JSON.parse(text);
  } catch {
    return text.includes("\ufffd") ? body : text;
  }
}

function encoded(data) {
  if (typeof data === "string") return [data, "text/plain; charset=utf-8"];
  if (typeof Blob !== "undefined" && data instanceof Blob) return [data, data.type || "application/octet-stream"];
  if (typeof FormData !== "undefined" && data instanceof FormData) return [data, ""];
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return [data, "application/octet-stream"];
  return [JSON.stringify(data ?? null), "application/json"];
}

async function* parts(body) {
  if (!body) return;
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function path(...segments) {
  return segments.filter((each) => each !== undefined && each !== "").map(encodeURIComponent).join("/");
}

function clean(url) {
  return String(url).replace(/\/+$/, "");
}

function beside(url) {
  const found = new URL(url);
  const port = found.pathname === "/" && MANAGEMENT_PORTS[found.port];
  if (port) found.port = port;
  return clean(found.href);
}
