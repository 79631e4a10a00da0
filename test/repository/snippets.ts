/** Compiles code from documents as if it stood in a file beside them, against the packages' source. */
import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { CodeBlock } from './documents.js';
import { root } from './files.js';

export interface Snippet extends CodeBlock {
  /** The document or source that holds it, relative to the root. */
  readonly path: string;
}

/** Files of libraries are the same in every program. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * The type errors of all snippets, each with the document and the line where it stands.
 *
 * @param paths where libraries are found otherwise than by their name, as in a tsconfig
 */
export function typeErrors(snippets: readonly Snippet[], paths: Record<string, string[]> = {}): string[] {
  const texts = new Map(
    snippets.map((snippet, index) => {
      const extension = snippet.language === 'tsx' ? 'tsx' : 'ts';
      return [join(root, dirname(snippet.path), `snippet-${index}.${extension}`), snippet] as const;
    }),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options: found } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const options = { ...found, baseUrl: root, paths };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const codeOf = (path: string): string | undefined => {
    const snippet = texts.get(path);
    // A snippet without an import is a module too: its names are its own.
    return snippet === undefined ? undefined : `${snippet.code}\nexport {};\n`;
  };
  host.fileExists = (path) => texts.has(path) || fileExists.call(host, path);
  host.readFile = (path) => codeOf(path) ?? readFile.call(host, path);
  host.getSourceFile = (path, version, ...rest) => {
    const code = codeOf(path);
    if (code !== undefined) return ts.createSourceFile(path, code, version, true);
    if (!path.includes('/node_modules/')) return getSourceFile.call(host, path, version, ...rest);
    if (!parsed.has(path)) parsed.set(path, getSourceFile.call(host, path, version, ...rest));
    return parsed.get(path);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts].flatMap(([path, snippet]) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((diagnostic) => {
      const line = file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
      return `${snippet.path}:${snippet.line + line + 1} ${message}`;
    });
  });
}
