/** Compares what a package promises to export with what tsup and tsc build. */
type Conditions = Readonly<Record<string, string>>;
/** Files by conditions, or one that is published as it stands in the folder: the manifest. */
type Exports = Readonly<Record<string, Conditions | string>>;

export interface Manifest {
  readonly name: string;
  readonly exports?: Exports;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: {
    readonly exports?: Exports;
    readonly bin?: Readonly<Record<string, string>>;
  };
}

/** tsup's `entry`: sources, named after themselves or after their keys. */
export type Entry = readonly string[] | Readonly<Record<string, string>>;

/**
 * The exports and programs that no build makes, and those that are published otherwise than they are developed with
 * (the source condition aside, which must not be published).
 */
export function brokenExports(manifest: Manifest, entry: Entry): string[] {
  const outputs = new Map(
    Object.entries(entry).map(([key, source]) => [
      Array.isArray(entry) ? source.replace(/^src\/(.*)\.tsx?$/, './dist/$1') : `./dist/${key}`,
      `./${source}`,
    ]),
  );
  const { exports = {}, bin, publishConfig = {} } = manifest;
  const wrong = Object.entries(exports).filter(([name, conditions]) => {
    if (typeof conditions === 'string') {
      return conditions !== './package.json' || name !== conditions || publishConfig.exports?.[name] !== conditions;
    }
    const output = [...outputs].find(([, source]) => source === conditions['@gossip-log/source'])?.[0];
    const { '@gossip-log/source': source = '', ...rest } = conditions;
    const types = source.replace(/^\.\/(.*)\.tsx?$/, './types/$1.d.ts');
    const built = JSON.stringify({ types, default: `${output}.js` });
    return JSON.stringify(rest) !== built || JSON.stringify(publishConfig.exports?.[name]) !== built;
  });
  const extra = Object.keys(publishConfig.exports ?? {}).filter((name) => exports[name] === undefined);
  const programs = Object.values({ ...bin, ...publishConfig.bin }).filter(
    (path) => !outputs.has(path.replace(/\.js$/, '')),
  );
  return [...wrong.map(([name]) => name), ...extra, ...programs].map((name) => `${manifest.name} ${name}`);
}
