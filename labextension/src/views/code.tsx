/** Source that can be read and copied: JupyterLab's own editor where there is one, else plain text. */
import { CodeEditor, type IEditorServices } from '@jupyterlab/codeeditor';
import * as React from 'react';

const MIME_TYPES: Record<string, string> = {
  py: 'text/x-python',
  json: 'application/json',
  yaml: 'text/x-yaml',
  yml: 'text/x-yaml',
  toml: 'text/x-toml'
};

export function Code(props: { text: string; name: string; label: string; editors: IEditorServices | null }): JSX.Element {
  const { editors, label, name, text } = props;
  const host = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!host.current || !editors) {
      return;
    }
    const mimeType = MIME_TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain';
    const model = new CodeEditor.Model({ mimeType });
    model.sharedModel.setSource(text);
    const config = { readOnly: true, lineNumbers: true, lineWrap: false };
    const editor = editors.factoryService.newInlineEditor({ host: host.current, model, config });
    host.current.querySelector('[contenteditable]')?.setAttribute('aria-label', label);
    host.current.querySelector('.cm-scroller')?.setAttribute('tabindex', '0'); // to be scrolled by keys
    return () => {
      editor.dispose();
      model.dispose();
    };
  }, [text, name, editors]);
  return editors ? <div className="tsnb-code" ref={host} /> : <pre tabIndex={0}>{text}</pre>;
}
