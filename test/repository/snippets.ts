/** Compiles code from documents as if it stood in a file beside them, against the packages' source. */
import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { CodeBlock } from './documents.js';
import { root } from './files.js';

export interface Snippet extends CodeBlock {
  /** The document or source that holds it, relative to the root. */
  readonly path: string;
}

/** The type errors of all snippets, each with the document and the line where it stands. */
export function typeErrors(snippets: readonly Snippet[]): string[] {
  const texts = new Map(
    snippets.map((snippet, index) => {
      const extension = snippet.language === 'tsx' ? 'tsx' : 'ts';
      return [join(root, dirname(snippet.path), `snippet-${index}.${extension}`), snippet] as const;
    }),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
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
    return code === undefined
      ? getSourceFile.call(host, path, version, ...rest)
      : ts.createSourceFile(path, code, version, true);
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
