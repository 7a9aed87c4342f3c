/** Numbers as people write them; the same words as tsnb/html.py. */

const SIZES = ['B', 'kB', 'MB', 'GB'];

/** `0 B`, `812 kB`, `1.3 GB` (powers of 1000). */
export function bytes(size: number): string {
  for (const unit of SIZES) {
    if (Math.abs(size) < 999.5) {
      return `${three(size)} ${unit}`;
    }
    size /= 1000;
  }
  return `${three(size)} TB`;
}

/** `82 µs`, `4.1 ms`, `1.2 s`. */
export function seconds(value: number): string {
  if (value < 0.9995e-3) {
    return `${three(value * 1e6)} µs`;
  }
  return value < 0.9995 ? `${three(value * 1e3)} ms` : `${three(value)} s`;
}

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A share between 0 and 1, whatever the numbers. */
export function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

/** `[3, 224, 224]` as `3 × 224 × 224`; a single number has no shape. */
export function shape(sizes: readonly number[]): string {
  return sizes.length ? sizes.join(' × ') : 'scalar';
}

/** Any value of a manifest or config in one line. */
export function value(given: unknown): string {
  return typeof given === 'string' ? given : JSON.stringify(given) ?? 'undefined';
}

function three(size: number): string {
  if (Number.isInteger(size) || Math.abs(size) >= 99.5) {
    return size.toFixed(0);
  }
  return Math.abs(size) >= 0.95 ? size.toFixed(1).replace(/\.0$/, '') : Number(size.toPrecision(2)).toString();
}
