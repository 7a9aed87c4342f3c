/** Small pieces that several views are made of. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { bytes, share } from '../format.js';
import type { State } from '../model.js';
import type { WorkerStateName } from './words.js';

export type Tone = 'good' | 'busy' | 'bad' | 'quiet';

const TONES: Record<State | WorkerStateName, Tone> = {
  ready: 'good',
  starting: 'busy',
  loading: 'busy',
  failing: 'bad',
  failed: 'bad',
  stopped: 'quiet'
};

/** A word with a coloured dot; the word alone says everything. */
export function Badge(props: { state: State | WorkerStateName; text: string }): JSX.Element {
  return <span className={`tsnb-badge tsnb-${TONES[props.state]}`}>{props.text}</span>;
}

/** How much of something is used: a bar, and the same in words. */
export function Bar(props: { label: string; used: number; total: number; title?: string }): JSX.Element {
  const part = share(props.used, props.total);
  const text = `${bytes(props.used)} / ${bytes(props.total)}`;
  return (
    <div className="tsnb-bar" title={props.title}>
      <span className="tsnb-bar-label">{props.label}</span>
      <span
        className={part > 0.9 ? 'tsnb-track tsnb-full' : 'tsnb-track'}
        role="meter"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * part)}
        aria-valuetext={text}
      >
        <i hidden={part === 0} style={{ width: `${100 * part}%` }} />
      </span>
      <span className="tsnb-num">{text}</span>
    </div>
  );
}

/** A button that is a picture; `label` is its name for everybody. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  disabled?: boolean;
  onClick: (event: React.MouseEvent<HTMLElement>) => void;
  popup?: boolean;
}): JSX.Element {
  return (
    <button
      type="button"
      className="tsnb-icon-button"
      title={props.label}
      aria-label={props.label}
      aria-haspopup={props.popup ? 'menu' : undefined}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" width="14px" height="14px" aria-hidden="true" />
    </button>
  );
}

/** What went wrong, to be read out at once. */
export function Problem(props: { text: string }): JSX.Element {
  return (
    <p className="tsnb-message" role="alert">
      {props.text}
    </p>
  );
}

/** A list of terms and what they are. */
export function Facts(props: { rows: readonly (readonly [string, string])[] }): JSX.Element {
  return (
    <dl className="tsnb-facts">
      {props.rows.map(([term, text]) => (
        <React.Fragment key={term}>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

/** Something is on its way. */
export function Waiting(props: { trans: TranslationBundle; what: string }): JSX.Element {
  return (
    <p className="tsnb-working" role="status">
      {props.what}
    </p>
  );
}
