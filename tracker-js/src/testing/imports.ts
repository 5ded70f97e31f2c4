// The order of modules: which file may import which. For the test of this package's source files.

/** Imports by file: paths relative to the source folder, without an extension. */
export type Imports = { readonly [file: string]: readonly string[] };

/** Reads the relative imports of sources, by file: `./tracker.ts` or `./consent/tcf.ts`. */
export const readImports = (sources: { readonly [path: string]: string }): Imports =>
  Object.fromEntries(
    Object.entries(sources).map(([path, source]) => {
      const specifiers = [...source.matchAll(/^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)'/gm)].map(([, from]) => from);
      const base = new URL(path, 'file:///');
      const name = (url: URL) => url.pathname.slice(1).replace(/\.ts$/, '');
      return [name(base), specifiers.map((from) => name(new URL(from as string, base)))];
    }),
  );

/**
 * Describes each import that breaks the order. `rooms` lists files and folders (`consent/`) from
 * the ground up. A file may import from its own folder and from earlier rooms.
 */
export const findUpwardImports = (imports: Imports, rooms: readonly string[]): string[] => {
  const roomOf = (file: string) =>
    rooms.findIndex((room) => room === file || (room.endsWith('/') && file.startsWith(room)));
  return Object.entries(imports).flatMap(([file, targets]) => {
    if (roomOf(file) < 0) return [`${file} has no room`];
    return targets
      .filter((target) => roomOf(target) > roomOf(file))
      .map((target) => `${file} imports ${target}, which is in a higher room`);
  });
};

/** The circles of imports, each as a list of files in order. */
export const findCircles = (imports: Imports): string[] => {
  const circles: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || finished.has(file)) return;
    for (const target of imports[file] ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of Object.keys(imports).sort()) visit(file, []);
  return circles;
};
