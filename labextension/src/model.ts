/**
 * The models as they are now, without a pixel.
 *
 * It asks when an event says that something changed, one question at a time: for numbers only while somebody looks at
 * them, and for nothing while the whole page is out of sight. Then it only remembers that what it has is old.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import type { Change, Crash, Overview, Totals, Version } from './wire.js';

/** Milliseconds between two questions, however many events come. */
export const GAP = 400;

export interface Source {
  overview(): Promise<Overview>;
}

export interface Actions {
  scale(name: string, workers: number, options: { version: string; wait?: boolean }): Promise<unknown>;
  setDefault(name: string, version: string): Promise<unknown>;
  unregister(name: string, options: { version: string }): Promise<unknown>;
}

export interface NamedModel {
  name: string;
  versions: Version[];
}

export class Models {
  constructor(
    private readonly _source: Source,
    private readonly _actions: Actions,
    private readonly _awake: () => boolean = () => true,
    private readonly _gap = GAP
  ) {}

  /** What the server said last. */
  get overview(): Overview | null {
    return this._overview;
  }

  /** Why the last question has no answer, or nothing. */
  get problem(): string {
    return this._problem;
  }

  /** Workers that answer, workers there should be, requests that wait. */
  get totals(): Totals {
    return this._totals;
  }

  /** Emitted when any of it changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted once for each worker that crashes. */
  get crashed(): ISignal<this, Crash> {
    return this._crashed;
  }

  /** Models with their versions, in the server's order. */
  get named(): NamedModel[] {
    const found = new Map<string, NamedModel>();
    for (const version of this._overview?.models ?? []) {
      const model = found.get(version.name) ?? { name: version.name, versions: [] };
      model.versions.push(version);
      found.set(version.name, model);
    }
    return [...found.values()];
  }

  find(name: string, version?: string): Version | undefined {
    const wanted = (each: Version) => each.name === name && (version ? each.version === version : each.default);
    return this._overview?.models.find(wanted);
  }

  crash(number: number): Crash | undefined {
    return this._overview?.crashes.find(each => each.number === number) ?? this._latest.find(each => each.number === number);
  }

  /** Whether anybody looks. */
  get watched(): boolean {
    return this._watching > 0;
  }

  /** Somebody looks from now on, until the returned function is called. */
  watch(): () => void {
    this._watching += 1;
    this.wake();
    let looking = true;
    return () => {
      this._watching -= looking ? 1 : 0;
      looking = false;
    };
  }

  /** The page is in sight again, or somebody looks: ask what changed meanwhile, if anything did. */
  wake(): void {
    if (this._stale && this._awake()) {
      void this.refresh();
    }
  }

  /** What the server's event says. */
  note(change: Change): void {
    this._totals = change.totals;
    this._stale = true;
    if (change.crash && change.crash.number > this._seen) {
      this._seen = change.crash.number;
      this._latest = [...this._latest.slice(-19), change.crash];
      this._crashed.emit(change.crash);
    }
    if (change.kind !== 'figures' || this.watched) {
      this.wake();
    }
    this._changed.emit();
  }

  /** Ask the server; resolves when an answer that is younger than this call is here. */
  refresh(): Promise<void> {
    this._next ??= this._after(this._asking);
    return this._next;
  }

  private async _after(asked: Promise<void> | null): Promise<void> {
    await asked;
    const wait = this._asked + this._gap - Date.now();
    if (wait > 0) {
      await new Promise(resolve => setTimeout(resolve, wait));
    }
    this._asking = this._next;
    this._next = null;
    this._asked = Date.now();
    this._stale = false;
    await this._ask();
  }

  private async _ask(): Promise<void> {
    try {
      const found = await this._source.overview();
      this._overview = shared(this._overview, found);
      this._totals = sums(found.models);
      this._problem = '';
      this._seen = Math.max(this._seen, ...found.crashes.map(each => each.number));
    } catch (error) {
      this._problem = error instanceof Error ? error.message : String(error);
      this._stale = true;
    }
    this._changed.emit();
  }

  async scale(name: string, version: string, workers: number): Promise<void> {
    await this._actions.scale(name, workers, { version });
    await this.refresh();
  }

  async setDefault(name: string, version: string): Promise<void> {
    await this._actions.setDefault(name, version);
    await this.refresh();
  }

  /** Stop a version. The default one can go while others stay: then the newest of those becomes the default. */
  async unserve(name: string, version: string): Promise<void> {
    const heir = this.heir(name, version);
    if (heir) {
      await this._actions.setDefault(name, heir);
    }
    await this._actions.unregister(name, { version });
    await this.refresh();
  }

  /** The version that becomes the default one when this one goes, or nothing. */
  heir(name: string, version: string): string | undefined {
    const versions = (this._overview?.models ?? []).filter(each => each.name === name);
    const leaving = versions.find(each => each.version === version);
    const others = versions.filter(each => each.version !== version).map(each => each.version);
    return leaving?.default ? others.sort(byVersion).at(-1) : undefined;
  }

  async unserveAll(): Promise<void> {
    for (const model of this.named) {
      const defaultLast = [...model.versions].sort((a, b) => Number(a.default) - Number(b.default));
      for (const each of defaultLast) {
        await this._actions.unregister(each.name, { version: each.version });
      }
    }
    await this.refresh();
  }

  private _overview: Overview | null = null;
  private _problem = '';
  private _totals: Totals = { ready: 0, workers: 0, queued: 0 };
  private _latest: Crash[] = [];
  private _seen = 0;
  private _stale = true;
  private _watching = 0;
  private _asked = 0;
  private _asking: Promise<void> | null = null;
  private _next: Promise<void> | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _crashed = new Signal<this, Crash>(this);
}

/** The totals of a list of versions. */
export function sums(models: readonly Version[]): Totals {
  const workers = models.flatMap(each => each.workers);
  const ready = workers.filter(each => each.state === 'ready').length;
  return { ready, workers: workers.length, queued: models.reduce((sum, each) => sum + each.queued, 0) };
}

/** The new answer with the objects of the old one where they are equal, so that views can compare by identity. */
export function shared(old: Overview | null, found: Overview): Overview {
  const known = new Map((old?.models ?? []).map(each => [key(each), each]));
  const models = found.models.map(each => same(known.get(key(each)), each));
  return { ...found, models };
}

function key(each: Version): string {
  return `${each.name}/${each.version}`;
}

function same<T>(old: T | undefined, found: T): T {
  return old !== undefined && JSON.stringify(old) === JSON.stringify(found) ? old : found;
}

/** `1.10` after `1.9`. */
export function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

export type State = 'ready' | 'starting' | 'failing' | 'stopped';

/** How a version is, in one word: workers that fail say so before those that work. */
export function state(version: Version): State {
  if (version.workers.some(each => each.state === 'failed' || each.problem)) {
    return 'failing';
  }
  if (version.workers.some(each => each.state === 'starting' || each.state === 'loading')) {
    return 'starting';
  }
  return version.workers.some(each => each.state === 'ready') ? 'ready' : 'stopped';
}
