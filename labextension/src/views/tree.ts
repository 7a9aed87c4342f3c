/** Names with slashes as folders and files. */

export interface Branch {
  name: string;
  folders: Branch[];
  files: { name: string; path: string }[];
}

/** Folders before files, each in the order of their names. */
export function tree(paths: readonly string[]): Branch {
  const root: Branch = { name: '', folders: [], files: [] };
  for (const path of [...paths].sort()) {
    const parts = path.split('/');
    const name = parts.pop() ?? path;
    folder(root, parts).files.push({ name, path });
  }
  return root;
}

function folder(branch: Branch, parts: readonly string[]): Branch {
  const [first, ...rest] = parts;
  if (first === undefined) {
    return branch;
  }
  let next = branch.folders.find(each => each.name === first);
  if (!next) {
    next = { name: first, folders: [], files: [] };
    branch.folders.push(next);
  }
  return folder(next, rest);
}
