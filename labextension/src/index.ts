/** The plugins, in the order of knowing: the models first, then what shows them. */
import { models } from './plugins/models.js';
import { panel } from './plugins/panel.js';

export default [models, panel];
