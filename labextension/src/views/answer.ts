/** What comes back for a request sent by hand, piece by piece. */
import { bytes, seconds } from '../format.js';

/** Characters of an answer that are drawn. */
const SHOWN = 200_000;

export interface Answer {
  line: string;
  text: string;
  image: string;
}

/** Show the parts of an answer as they come, and the whole by its kind. */
export async function receive(answer: Response, show: (answer: Answer) => void): Promise<void> {
  const begun = performance.now();
  const type = answer.headers.get('content-type') ?? '';
  const parts: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  const now = (text: string, image = ''): Answer => {
    const taken = seconds((performance.now() - begun) / 1000);
    const line = [`${answer.status}`, type, bytes(size), taken].filter(Boolean).join(' · ');
    return { line, text: text.slice(0, SHOWN), image };
  };
  const reader = answer.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    parts.push(next.value);
    size += next.value.length;
    if (!type.startsWith('image/')) {
      text += decoder.decode(next.value, { stream: true });
      show(now(text));
    }
  }
  const image = type.startsWith('image/') ? await dataUrl(new Blob(parts, { type })) : '';
  show(now(image ? '' : pretty(text), image));
}

/** JSON where it parses, else text. */
export function typed(text: string): string {
  try {
    JSON.parse(text);
    return 'application/json';
  } catch {
    return 'text/plain; charset=utf-8';
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
