/** The words for states, through the translator. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { State } from '../model.js';
import type { Totals, Version, Worker } from '../wire.js';

export type WorkerStateName = Worker['state'];

export function stateWord(state: State | WorkerStateName, trans: TranslationBundle): string {
  const words: Record<State | WorkerStateName, string> = {
    ready: trans.__('ready'),
    starting: trans.__('starting'),
    loading: trans.__('loading'),
    failing: trans.__('failing'),
    failed: trans.__('failed'),
    stopped: trans.__('stopped')
  };
  return words[state];
}

/** `2 of 3 workers`. */
export function workersText(version: Version, trans: TranslationBundle): string {
  const ready = version.workers.filter(each => each.state === 'ready').length;
  return trans._n('%2 of %1 worker', '%2 of %1 workers', version.workers.length, ready);
}

/** `2 / 3 ready`, where there is little room. */
export function readyText(version: Version, trans: TranslationBundle): string {
  const ready = version.workers.filter(each => each.state === 'ready').length;
  return trans.__('%1 / %2 ready', ready, version.workers.length);
}

/** What the status bar says in full. */
export function totalsText(totals: Totals, trans: TranslationBundle): string {
  const workers = trans._n('%2 of %1 model worker ready', '%2 of %1 model workers ready', totals.workers, totals.ready);
  return totals.queued ? `${workers}, ${trans._n('%1 request waits', '%1 requests wait', totals.queued)}` : workers;
}
