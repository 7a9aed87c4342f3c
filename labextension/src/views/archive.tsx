/** What is inside an archive: facts, files, sources, tensors. Nothing of it is run. */
import type { IEditorServices } from '@jupyterlab/codeeditor';
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { bytes, count, shape, value } from '../format.js';
import { archiveIcon } from '../icons.js';
import { CommandIDs } from '../tokens.js';
import type { ArchiveView, Source, TableView } from '../wire.js';
import { Code } from './code.js';
import { Facts, Problem, Waiting } from './parts.js';
import { tree, type Branch } from './tree.js';

/** Tensors that are drawn; the filter finds the others. */
const ROWS = 500;

export interface Reading {
  inspect(path: string): Promise<ArchiveView>;
  commands: CommandRegistry;
  editors: IEditorServices | null;
  trans: TranslationBundle;
}

class ArchiveBody extends ReactWidget {
  constructor(
    private readonly _context: DocumentRegistry.Context,
    private readonly _reading: Reading
  ) {
    super();
    this.addClass('tsnb-view');
    _context.fileChanged.connect(() => this.update());
    _context.pathChanged.connect(() => this.update());
    void _context.ready.then(() => this.update());
  }

  protected render(): JSX.Element | null {
    const { contentsModel, localPath } = this._context;
    // A file that was written anew is another one.
    const key = `${localPath} ${contentsModel?.last_modified ?? ''}`;
    return contentsModel ? <Archive key={key} path={localPath} {...this._reading} /> : null;
  }
}

export class ArchiveFactory extends ABCWidgetFactory<DocumentWidget<ArchiveBody>> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions,
    private readonly _reading: Reading
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<ArchiveBody> {
    // There is nothing to save, and saving would write an empty file over the archive.
    context.save = context.saveAs = () => Promise.resolve(true as never);
    const content = new ArchiveBody(context, this._reading);
    const widget = new DocumentWidget({ content, context });
    widget.title.icon = archiveIcon;
    widget.toolbar.hide(); // nothing is in it
    return widget;
  }
}

type Loaded = { found?: ArchiveView; problem?: string };

function Archive(props: Reading & { path: string }): JSX.Element {
  const { inspect, path, trans } = props;
  const [{ found, problem }, setLoaded] = React.useState<Loaded>({});
  const load = () => {
    setLoaded({});
    inspect(path).then(
      view => setLoaded({ found: view }),
      (error: unknown) => setLoaded({ problem: error instanceof Error ? error.message : String(error) })
    );
  };
  React.useEffect(load, [path]);
  if (problem) {
    return (
      <div className="tsnb-scrolling">
        <Problem text={problem} />
        <button type="button" className="tsnb-button" onClick={load}>
          {trans.__('Look again')}
        </button>
      </div>
    );
  }
  if (!found) {
    return (
      <div className="tsnb-scrolling">
        <Waiting trans={trans} what={trans.__('Reading the archive…')} />
      </div>
    );
  }
  return <Whole {...props} found={found} />;
}

function Whole(props: Reading & { path: string; found: ArchiveView }): JSX.Element {
  const { commands, found, path, trans } = props;
  const handler = found.sources.find(each => each.role === 'handler');
  const [chosen, choose] = React.useState('');
  const size = Object.values(found.files).reduce((sum, each) => sum + each.size, 0);
  return (
    <>
      <header className="tsnb-tools">
        <h2>
          {found.model} <span className="tsnb-dim">{found.version}</span>
        </h2>
        <span className="tsnb-dim">
          {trans._n('%1 file, %2 unpacked', '%1 files, %2 unpacked', Object.keys(found.files).length, bytes(size))}
        </span>
        <span className="tsnb-push" />
        <button type="button" className="tsnb-button" onClick={() => void commands.execute(CommandIDs.compare, { path })}>
          {trans.__('Compare with…')}
        </button>
        <button
          type="button"
          className="tsnb-button tsnb-button-main"
          onClick={() => void commands.execute(CommandIDs.serve, { path })}
        >
          {trans.__('Serve')}
        </button>
      </header>
      <div className="tsnb-columns">
        <nav className="tsnb-files" tabIndex={0} aria-label={trans.__('Files of the archive')}>
          <FileButton name={trans.__('Overview')} chosen={chosen === ''} onClick={() => choose('')} />
          <Files branch={tree(Object.keys(found.files))} found={found} chosen={chosen} choose={choose} />
        </nav>
        <div className="tsnb-content" tabIndex={0} role="region" aria-label={chosen || trans.__('Overview')}>
          {chosen === '' ? (
            <Overview {...props} handler={handler} />
          ) : (
            <OneFile key={chosen} name={chosen} {...props} />
          )}
        </div>
      </div>
    </>
  );
}

function Files(props: {
  branch: Branch;
  found: ArchiveView;
  chosen: string;
  choose: (name: string) => void;
}): JSX.Element {
  const { branch, chosen, choose, found } = props;
  return (
    <ul>
      {branch.folders.map(folder => (
        <li key={folder.name}>
          <details open>
            <summary>{folder.name}/</summary>
            <Files {...props} branch={folder} />
          </details>
        </li>
      ))}
      {branch.files.map(file => {
        const facts = found.files[file.path];
        return (
          <li key={file.path}>
            <FileButton
              name={file.name}
              size={facts ? bytes(facts.size) : ''}
              role={facts?.role ?? ''}
              chosen={chosen === file.path}
              onClick={() => choose(file.path)}
            />
          </li>
        );
      })}
    </ul>
  );
}

function FileButton(props: { name: string; size?: string; role?: string; chosen: boolean; onClick: () => void }): JSX.Element {
  return (
    <button type="button" className="tsnb-file-button" aria-current={props.chosen} title={props.name} onClick={props.onClick}>
      <span className="tsnb-name">{props.name}</span>
      {props.role && <span className="tsnb-tag">{props.role}</span>}
      {props.size && <span className="tsnb-num tsnb-dim">{props.size}</span>}
    </button>
  );
}

function Overview(props: Reading & { found: ArchiveView; handler: Source | undefined }): JSX.Element {
  const { found, handler, trans } = props;
  const { model: _, ...rest } = found.manifest;
  const named = (found.manifest.model ?? {}) as Record<string, unknown>;
  const manifest = { ...named, ...rest };
  return (
    <>
      {found.notes.map(note => (
        <p key={note} className="tsnb-note">
          {note}
        </p>
      ))}
      <Section title={trans.__('Manifest')} values={manifest} />
      <Section title={trans.__('Settings')} values={found.config} />
      <Section title={trans.__('Provenance')} values={found.provenance} />
      {!found.in_archive && <p>{trans.__('The handler %1 is part of the server.', found.handler)}</p>}
      {handler && <SourceView {...props} source={handler} />}
      {Object.entries(found.tensors).map(([name, table]) => (
        <p key={name} className="tsnb-dim">
          {`${name}: ${tableText(table, trans)}`}
        </p>
      ))}
    </>
  );
}

function Section(props: { title: string; values: Record<string, unknown> }): JSX.Element | null {
  const rows = Object.entries(props.values)
    .map(([key, given]): [string, string] => [key, value(given)])
    .filter(([, text]) => text !== '' && text !== '{}' && text !== '[]' && !text.includes('\n'));
  return rows.length === 0 ? null : (
    <section>
      <h3>{props.title}</h3>
      <Facts rows={rows} />
    </section>
  );
}

function OneFile(props: Reading & { found: ArchiveView; name: string }): JSX.Element {
  const { found, name, trans } = props;
  const facts = found.files[name];
  const source = [...found.sources, ...found.texts].find(each => each.name === name);
  const table = found.tensors[name];
  return (
    <>
      <h3>{name}</h3>
      {source && <SourceView {...props} source={source} />}
      {table && <Tensors table={table} trans={trans} />}
      {!source && !table && <p className="tsnb-dim">{trans.__('This file is not shown: it is no source, no setting and no table of tensors.')}</p>}
      {facts && (
        <Facts
          rows={[
            [trans.__('Size'), `${bytes(facts.size)} (${trans._n('%2 byte', '%2 bytes', facts.size, count(facts.size))})`],
            ['SHA-256', facts.sha256]
          ]}
        />
      )}
    </>
  );
}

function SourceView(props: Reading & { source: Source }): JSX.Element {
  const { editors, source, trans } = props;
  return (
    <section>
      <h3 className="tsnb-dim">{source.role ? `${source.name} (${source.role})` : source.name}</h3>
      <Code text={source.text} name={source.name} editors={editors} label={trans.__('Source of %1', source.name)} />
      {source.cut && <p className="tsnb-dim">{trans.__('It goes on; only its beginning is shown.')}</p>}
    </section>
  );
}

function tableText(table: TableView, trans: TranslationBundle): string {
  if (table.note) {
    return table.note;
  }
  const tensors = trans._n('%1 tensor', '%1 tensors', table.tensors.length);
  return `${table.kind}, ${tensors}, ${trans.__('%1 parameters', count(table.parameters))}`;
}

function Tensors(props: { table: TableView; trans: TranslationBundle }): JSX.Element {
  const { table, trans } = props;
  const [filter, setFilter] = React.useState('');
  const found = table.tensors.filter(each => each.name.toLowerCase().includes(filter.toLowerCase()));
  return (
    <section>
      <p>{tableText(table, trans)}</p>
      {table.tensors.length > 0 && (
        <>
          <input
            type="search"
            className="jp-mod-styled"
            placeholder={trans.__('Filter tensors')}
            aria-label={trans.__('Filter tensors')}
            value={filter}
            onChange={event => setFilter(event.target.value)}
          />
          <table className="tsnb-table">
            <thead>
              <tr>
                <th scope="col">{trans.__('Tensor')}</th>
                <th scope="col">{trans.__('Shape')}</th>
                <th scope="col">{trans.__('Type')}</th>
                <th scope="col" className="tsnb-num">
                  {trans.__('Elements')}
                </th>
              </tr>
            </thead>
            <tbody>
              {found.slice(0, ROWS).map(each => (
                <tr key={each.name}>
                  <td>{each.name}</td>
                  <td>{shape(each.shape)}</td>
                  <td>{each.dtype}</td>
                  <td className="tsnb-num">{count(each.shape.reduce((product, size) => product * size, 1))}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {found.length > ROWS && <p className="tsnb-dim">{trans.__('and %1 more', count(found.length - ROWS))}</p>}
        </>
      )}
    </section>
  );
}
