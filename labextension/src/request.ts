/** The one place that talks to the server: Jupyter's connection carries the token, the XSRF cookie and the base URL. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { Client } from 'tsnb-client';

import type { ArchiveView, DiffView, Failure, LogLine, Made, Order, Overview, Scaled } from './wire.js';

/** What the notebook server said no to, in its words. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
  }
}

/** Everything the page asks the notebook server for. Errors are Errors with the server's own words. */
export class Api {
  /** TorchServe's paths: predict, scale, unregister. */
  readonly client: Client;

  constructor(private readonly _settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {
    const url = URLExt.join(_settings.baseUrl, 'tsnb');
    const fetch = (address: string, init: RequestInit) => ServerConnection.makeRequest(address, init, _settings);
    this.client = new Client(url, { fetch });
  }

  overview(): Promise<Overview> {
    return this._json<Overview>('panel');
  }

  inspect(path: string): Promise<ArchiveView> {
    return this._json<ArchiveView>('archives/inspect', { path });
  }

  diff(before: string, after: string): Promise<DiffView> {
    return this._json<DiffView>('archives/diff', { before, after });
  }

  async handlers(): Promise<string[]> {
    return (await this._json<{ handlers: string[] }>('archives/handlers')).handlers;
  }

  make(order: Order): Promise<Made> {
    return this._json<Made>('archives/make', {}, { method: 'POST', body: JSON.stringify(order) });
  }

  serve(path: string, workers: number): Promise<Scaled> {
    return this._json<Scaled>('archives/serve', { path, workers: `${workers}` }, { method: 'POST' });
  }

  async logs(name: string, version: string, after: number): Promise<LogLine[]> {
    const query = { version, after: `${after}` };
    return (await this._json<{ lines: LogLine[] }>(`logs/${encodeURIComponent(name)}`, query)).lines;
  }

  /** What a handler raised for a request; nothing when the server does not know it (any more). */
  async failure(request: string): Promise<Failure | undefined> {
    return this._json<Failure>(`failures/${encodeURIComponent(request)}`).catch(() => undefined);
  }

  private async _json<T>(path: string, query: Record<string, string> = {}, init: RequestInit = {}): Promise<T> {
    const url = `${this.client.url}/-/${path}${URLExt.objectToQueryString(query)}`;
    const answer = await ServerConnection.makeRequest(url, init, this._settings);
    const body = await answer.text();
    if (!answer.ok) {
      throw new Refused(refusal(body) ?? `The notebook server answered ${answer.status}.`, answer.status);
    }
    return JSON.parse(body) as T;
  }
}

function refusal(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch {
    return undefined;
  }
}
