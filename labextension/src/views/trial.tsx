/** A request typed by hand, and its answer as it arrives. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { type Client, ServerError } from 'tsnb-client';

import { bytes } from '../format.js';
import type { Failure } from '../wire.js';
import { type Answer, dataUrl, receive, typed } from './answer.js';
import { Problem } from './parts.js';

export interface TrialProps {
  client: Client;
  /** What a handler raised for a request; nothing when it is not known. */
  failure(request: string): Promise<Failure | undefined>;
  name: string;
  version: string;
  trans: TranslationBundle;
}

class TrialBody extends ReactWidget {
  constructor(private readonly _props: TrialProps) {
    super();
    this.addClass('tsnb-view');
    this.addClass('tsnb-scrolling');
  }

  protected render(): JSX.Element {
    return <Trial {...this._props} />;
  }
}

function Trial(props: TrialProps): JSX.Element {
  const { client, name, trans, version } = props;
  const [text, setText] = React.useState('');
  const [file, setFile] = React.useState<File | null>(null);
  const [answer, setAnswer] = React.useState<Answer | null>(null);
  const [failure, setFailure] = React.useState<Failure | undefined>(undefined);
  const [problem, setProblem] = React.useState('');
  const running = React.useRef<AbortController | null>(null);
  const [busy, setBusy] = React.useState(false);
  React.useEffect(() => () => running.current?.abort(), []);

  const refused = async (error: unknown) => {
    setProblem(error instanceof ServerError && error.status ? `${error.status} · ${error.message}` : told(error));
    if (error instanceof ServerError && error.requestId) {
      setFailure(await props.failure(error.requestId));
    }
  };
  const send = async () => {
    if (busy) {
      return;
    }
    const { signal } = (running.current = new AbortController());
    const contentType = file ? undefined : typed(text);
    setBusy(true);
    setProblem('');
    setAnswer(null);
    setFailure(undefined);
    try {
      await receive(await client.send(name, file ?? text, { version, contentType, signal }), setAnswer);
    } catch (error) {
      await (signal.aborted ? setProblem(trans.__('Stopped.')) : refused(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className="tsnb-trial"
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <h2>
        {name} <span className="tsnb-dim">{version}</span>
      </h2>
      <code className="tsnb-dim">POST {client.address(name, version)}</code>
      <Body text={text} setText={setText} file={file} setFile={setFile} send={() => void send()} trans={trans} />
      <div className="tsnb-row">
        <button type="submit" className="tsnb-button tsnb-button-main" disabled={busy}>
          {busy ? trans.__('Sending…') : trans.__('Send')}
        </button>
        {busy && (
          <button type="button" className="tsnb-button" onClick={() => running.current?.abort()}>
            {trans.__('Stop')}
          </button>
        )}
        <Chooser file={file} setFile={setFile} trans={trans} />
      </div>
      {problem && <Problem text={problem} />}
      <div className="tsnb-answer" aria-live="polite">
        {answer && <p className="tsnb-dim">{answer.line}</p>}
        {answer?.image && <img src={answer.image} alt={trans.__('The answer')} />}
        {answer?.text && <pre tabIndex={0}>{answer.text}</pre>}
        {failure?.traceback && <pre tabIndex={0}>{failure.traceback}</pre>}
      </div>
    </form>
  );
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface BodyProps {
  text: string;
  setText: (text: string) => void;
  file: File | null;
  setFile: (file: File | null) => void;
  send: () => void;
  trans: TranslationBundle;
}

/** What is sent: text, or a file that was chosen, dropped or pasted here. */
function Body(props: BodyProps): JSX.Element {
  const { file, send, setFile, setText, text, trans } = props;
  const take = (event: React.SyntheticEvent, data: DataTransfer | null) => {
    const [found] = data?.files ?? [];
    if (found) {
      event.preventDefault();
      event.stopPropagation();
      setFile(found);
    }
  };
  if (file) {
    return <Chosen file={file} trans={trans} />;
  }
  return (
    <textarea
      aria-label={trans.__('Request body')}
      placeholder={trans.__('JSON or text; or drop a file, or paste a picture')}
      rows={6}
      spellCheck={false}
      value={text}
      onChange={event => setText(event.target.value)}
      onPaste={event => take(event, event.clipboardData)}
      onDragOver={event => event.preventDefault()}
      onDrop={event => take(event, event.dataTransfer)}
      onKeyDown={event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          send();
        }
      }}
    />
  );
}

function Chosen(props: { file: File; trans: TranslationBundle }): JSX.Element {
  const { file, trans } = props;
  const [preview, setPreview] = React.useState('');
  React.useEffect(() => {
    setPreview('');
    if (file.type.startsWith('image/')) {
      void dataUrl(file).then(setPreview);
    }
  }, [file]);
  return (
    <div className="tsnb-chosen">
      {preview && <img src={preview} alt={trans.__('The picture to send')} />}
      <span>{`${file.name} · ${bytes(file.size)}`}</span>
      <span className="tsnb-dim">{trans.__('sent as %1', file.type || 'application/octet-stream')}</span>
    </div>
  );
}

/** The browser's own file chooser behind a button that looks like the others. */
function Chooser(props: Pick<BodyProps, 'file' | 'setFile' | 'trans'>): JSX.Element {
  const { file, setFile, trans } = props;
  const input = React.useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        type="file"
        hidden
        ref={input}
        onChange={event => {
          setFile(event.target.files?.[0] ?? null);
          event.target.value = ''; // so that the same file can be chosen again
        }}
      />
      <button type="button" className="tsnb-button" onClick={() => input.current?.click()}>
        {trans.__('Choose file…')}
      </button>
      {file && (
        <button type="button" className="tsnb-button" onClick={() => setFile(null)}>
          {trans.__('Remove the file')}
        </button>
      )}
    </>
  );
}

export function trialWidget(props: TrialProps): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new TrialBody(props) });
  widget.id = `tsnb-trial-${props.name}-${props.version}`;
  widget.title.label = props.trans.__('Try %1', props.name);
  widget.title.icon = runIcon;
  widget.toolbar.hide(); // nothing is in it
  widget.title.closable = true;
  return widget;
}
