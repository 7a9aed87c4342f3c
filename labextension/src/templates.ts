/** What a new handler notebook holds. Five cells, each of which runs as it is. */

const CELLS: readonly (readonly ['markdown' | 'code', string])[] = [
  [
    'markdown',
    '# A model, served\n\nRun the cells from top to bottom. `%%handler` makes this cell the code of the model, `%archive` packs it as a `.mar` file that TorchServe can serve as well, `%serve` starts workers. Every magic explains itself: `%serve?`.'
  ],
  ['code', '%load_ext tsnb'],
  [
    'code',
    '%%handler shout\nclass Handler:\n    def initialize(self, context):\n        """Called once in each worker: load what is needed."""\n        self.initialized = True\n\n    def handle(self, requests, context):\n        """Called with a batch of requests; one answer for each."""\n        return [{"answer": str(request["body"]).upper()} for request in requests]'
  ],
  ['code', '%archive shout'],
  ['code', '%serve shout --workers 1'],
  ['code', '%predict shout "hello"'],
  ['code', '%unserve shout']
];

/** The notebook as JSON, for a kernel. */
export function handlerNotebook(kernel: string): object {
  const cells = CELLS.map(([type, source], index) => {
    const cell = { cell_type: type, id: `tsnb-${index}`, metadata: {}, source };
    return type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell;
  });
  const kernelspec = { name: kernel, display_name: 'Python 3', language: 'python' };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}
