/** Names that others rely on; nothing here knows anything else. */
import { Token } from '@lumino/coreutils';

import type { Models } from './model.js';

/** The event by which the server says that models changed (tsnb/jupyter/events.yaml). */
export const EVENT = 'urn:tsnb:models';

/** The first part of every plugin's id, and the domain of the translations. */
export const NAMESPACE = 'tsnb';

export const ARCHIVE_FILE = 'tsnb-archive';
export const WEIGHTS_FILE = 'tsnb-weights';
export const ARCHIVE_FACTORY = 'Model archive';

/** What a person can do. Arguments: `name` and `version` of a model, `path` of a file. */
export namespace CommandIDs {
  export const showPanel = 'tsnb:show-panel';
  export const refresh = 'tsnb:refresh';
  export const serve = 'tsnb:serve';
  export const scale = 'tsnb:scale';
  export const setDefault = 'tsnb:set-default';
  export const unserve = 'tsnb:unserve';
  export const unserveAll = 'tsnb:unserve-all';
  export const tryIt = 'tsnb:try';
  export const logs = 'tsnb:open-logs';
  export const logConsole = 'tsnb:open-log-console';
  export const copyUrl = 'tsnb:copy-url';
  export const traceback = 'tsnb:show-traceback';
  export const inspect = 'tsnb:inspect';
  export const compare = 'tsnb:compare';
  export const archive = 'tsnb:archive';
  export const handlerNotebook = 'tsnb:new-handler-notebook';
}

/** The models as they are now, for other extensions. */
export const IModels = new Token<Models>('tsnb:IModels', 'The models that the notebook server serves.');
