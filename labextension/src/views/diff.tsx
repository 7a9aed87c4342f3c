/** What differs between two archives. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { bytes, count, shape, value } from '../format.js';
import { archiveIcon } from '../icons.js';
import type { DiffView, FileChangeView, TensorChange, ValueChange } from '../wire.js';
import { Problem, Waiting } from './parts.js';

const ROWS = 500;

export interface Comparing {
  diff(before: string, after: string): Promise<DiffView>;
  before: string;
  after: string;
  trans: TranslationBundle;
}

class DiffBody extends ReactWidget {
  constructor(private readonly _props: Comparing) {
    super();
    this.addClass('tsnb-view');
    this.addClass('tsnb-scrolling');
  }

  protected render(): JSX.Element {
    return <Comparison {...this._props} />;
  }
}

function Comparison(props: Comparing): JSX.Element {
  const { diff, trans } = props;
  const [turned, turn] = React.useState(false);
  const [before, after] = turned ? [props.after, props.before] : [props.before, props.after];
  const [found, setFound] = React.useState<DiffView | null>(null);
  const [problem, setProblem] = React.useState('');
  React.useEffect(() => {
    setFound(null);
    diff(before, after).then(setFound, (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, [before, after]);
  return (
    <>
      <div className="tsnb-compared">
        <h2>
          {before} → {after}
        </h2>
        <button type="button" className="tsnb-button" onClick={() => turn(!turned)}>
          {trans.__('The other way round')}
        </button>
      </div>
      {problem && <Problem text={problem} />}
      {!found && !problem && <Waiting trans={trans} what={trans.__('Comparing…')} />}
      {found && <Differences found={found} trans={trans} />}
    </>
  );
}

function Differences(props: { found: DiffView; trans: TranslationBundle }): JSX.Element {
  const { found, trans } = props;
  const settings = [...found.manifest, ...found.config, ...found.requirements];
  const equal = settings.length + found.files.length + found.tensors.length === 0;
  return (
    <>
      <p>{equal ? trans.__('Both hold the same model.') : summary(found, settings, trans)}</p>
      {found.notes.map(note => (
        <p key={note} className="tsnb-note">
          {note}
        </p>
      ))}
      <Values title={trans.__('Manifest')} changes={found.manifest} />
      <Values title={trans.__('Settings')} changes={found.config} />
      <Values title={trans.__('Requirements')} changes={found.requirements} />
      {found.files.map(each => (
        <File key={each.name} change={each} trans={trans} />
      ))}
      {found.tensors.length > 0 && <Tensors changes={found.tensors} trans={trans} />}
      <Values title={trans.__('Made at another time or place')} changes={found.made} />
    </>
  );
}

function summary(found: DiffView, settings: ValueChange[], trans: TranslationBundle): string {
  const parts = [
    found.files.length ? trans._n('%1 file', '%1 files', found.files.length) : '',
    found.tensors.length ? trans._n('%1 tensor', '%1 tensors', found.tensors.length) : '',
    settings.length ? trans._n('%1 setting', '%1 settings', settings.length) : ''
  ];
  return trans.__('Changed: %1.', parts.filter(Boolean).join(', '));
}

function Values(props: { title: string; changes: ValueChange[] }): JSX.Element | null {
  return props.changes.length === 0 ? null : (
    <section>
      <h3>{props.title}</h3>
      <dl className="tsnb-facts">
        {props.changes.slice(0, ROWS).map(each => (
          <React.Fragment key={each.key}>
            <dt>{each.key}</dt>
            <dd>
              <del>{told(each.before)}</del> → <ins>{told(each.after)}</ins>
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </section>
  );
}

function told(given: unknown): string {
  return given === null || given === undefined ? '–' : value(given);
}

function File(props: { change: FileChangeView; trans: TranslationBundle }): JSX.Element {
  const { change, trans } = props;
  const sizes = [change.before, change.after].map(facts => (facts ? bytes(facts.size) : ''));
  const words: Record<string, string> = {
    added: trans.__('added'),
    removed: trans.__('removed'),
    renamed: trans.__('renamed'),
    changed: trans.__('changed')
  };
  return (
    <section>
      <h3>
        {change.was ? `${change.was} → ${change.name}` : change.name}{' '}
        <span className="tsnb-dim">
          {words[change.kind] ?? change.kind} · {[...new Set(sizes)].filter(Boolean).join(' → ')}
        </span>
      </h3>
      {change.lines.length > 0 && (
        <pre className="tsnb-diff" tabIndex={0} aria-label={trans.__('Changed lines of %1', change.name)}>
          {change.lines.map((line, index) => (
            <span key={index} className={kind(line)}>
              {line}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

function kind(line: string): string {
  if (line.startsWith('+++') || line.startsWith('---')) {
    return 'tsnb-dim';
  }
  return { '+': 'tsnb-added', '-': 'tsnb-removed', '@': 'tsnb-hunk' }[line.charAt(0)] ?? '';
}

function Tensors(props: { changes: TensorChange[]; trans: TranslationBundle }): JSX.Element {
  const { changes, trans } = props;
  return (
    <section>
      <h3>{trans.__('Tensors')}</h3>
      <table className="tsnb-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Tensor')}</th>
            <th scope="col">{trans.__('Shape')}</th>
            <th scope="col">{trans.__('Values')}</th>
          </tr>
        </thead>
        <tbody>
          {changes.slice(0, ROWS).map(each => (
            <tr key={`${each.file} ${each.name}`}>
              <td>{each.name}</td>
              <td>{[...new Set([each.before, each.after].map(tensor => (tensor ? shape(tensor.shape) : '–')))].join(' → ')}</td>
              <td>{distance(each, trans)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {changes.length > ROWS && <p className="tsnb-dim">{trans.__('and %1 more', count(changes.length - ROWS))}</p>}
    </section>
  );
}

function distance(change: TensorChange, trans: TranslationBundle): string {
  const found = change.distance;
  if (!found) {
    return change.note;
  }
  const differing = trans.__('%1 of %2 differ', count(found.differing), count(found.count));
  const far = typeof found.relative === 'number' ? trans.__('relative distance %1', found.relative.toPrecision(2)) : '';
  return [differing, far].filter(Boolean).join(', ');
}

export function diffWidget(props: Comparing): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new DiffBody(props) });
  widget.id = `tsnb-diff-${props.before}-${props.after}`;
  widget.title.label = `${PathExt.basename(props.before)} → ${PathExt.basename(props.after)}`;
  widget.title.icon = archiveIcon;
  widget.toolbar.hide(); // nothing is in it
  widget.title.closable = true;
  return widget;
}
