/** The plugins, in the order of knowing: the models first, then what shows them. */
import { archives } from './plugins/archives.js';
import { launcher } from './plugins/launcher.js';
import { looking } from './plugins/looking.js';
import { models } from './plugins/models.js';
import { panel } from './plugins/panel.js';
import { running } from './plugins/running.js';
import { saved } from './plugins/saved.js';
import { status } from './plugins/status.js';

export default [models, panel, looking, running, status, archives, launcher, saved];
