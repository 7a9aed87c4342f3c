/** Questions to the person, which several commands ask alike. */
import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Models } from './model.js';

export interface Named {
  name: string;
  version: string;
}

/** The version that a command's arguments name, or one that the person picks; nothing when there is none. */
export async function modelFor(
  models: Models,
  args: { name?: unknown; version?: unknown },
  title: string,
  trans: TranslationBundle
): Promise<Named | undefined> {
  if (typeof args.name === 'string') {
    const version = typeof args.version === 'string' ? args.version : models.find(args.name)?.version;
    return { name: args.name, version: version ?? '' };
  }
  await models.refresh();
  const all = models.overview?.models ?? [];
  if (all.length === 0) {
    Notification.info(trans.__('No model is served.'));
    return undefined;
  }
  const items = all.map(each => `${each.name} ${each.version}`);
  const chosen = all.length === 1 ? items[0] : (await InputDialog.getItem({ title, items })).value;
  return all[items.indexOf(chosen ?? '')];
}

/** Do it; what the server refuses is shown in its own words. Whether it worked. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    Notification.error(error instanceof Error ? error.message : String(error), { autoClose: 8000 });
    return false;
  }
}
