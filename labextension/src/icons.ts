/** Drawn for 16 pixels; colours follow the theme through JupyterLab's classes. */
import { LabIcon } from '@jupyterlab/ui-components';

const stack = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g fill="none">
    <g class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linejoin="round">
      <path d="M12 3 21 7.500 12 12 3 7.500Z"/>
      <path d="M3 12l9 4.500 9-4.500"/>
      <path d="M3 16.500l9 4.500 9-4.500"/>
    </g>
  </g>
</svg>`;

const box = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g fill="none" stroke-width="2" stroke-linejoin="round">
    <path stroke="#ee4c2c" d="M12 2.500 20.500 7v10L12 21.500 3.500 17V7Z"/>
    <path stroke="#ee4c2c" d="M3.500 7 12 11.500 20.500 7M12 11.500v10"/>
  </g>
</svg>`;

const more = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161"><circle cx="5" cy="12" r="2"/><circle cx="12" cy="12" r="2"/><circle cx="19" cy="12" r="2"/></g>
</svg>`;

export const modelsIcon = new LabIcon({ name: 'tsnb:models', svgstr: stack });
export const archiveIcon = new LabIcon({ name: 'tsnb:archive', svgstr: box });
export const moreIcon = new LabIcon({ name: 'tsnb:more', svgstr: more });
