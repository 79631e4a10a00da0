/** Markdown: links that lead nowhere, anchors, and the code in it. */
import { dirname, join, normalize } from 'node:path';
import GithubSlugger from 'github-slugger';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { toString as textOf } from 'mdast-util-to-string';
import { visit } from 'unist-util-visit';

export interface CodeBlock {
  readonly language: string;
  /** What follows the language on the fence: `run` asks for the block to be run. */
  readonly meta: string;
  readonly code: string;
  /** Line of the fence in its file, from 1. */
  readonly line: number;
}

/** Fenced blocks, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  visit(fromMarkdown(markdown), 'code', ({ lang, meta, value, position }) => {
    blocks.push({ language: lang ?? '', meta: meta ?? '', code: value, line: position?.start.line ?? 1 });
  });
  return blocks;
}

/** The anchors that GitHub gives to a document's headings, and those set by hand. */
function anchorsOf(markdown: string): Set<string> {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  visit(fromMarkdown(markdown), (node) => {
    if (node.type === 'heading') anchors.add(slugger.slug(textOf(node)));
    if (node.type === 'html')
      for (const [, id] of node.value.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id ?? '');
  });
  return anchors;
}

function targetsOf(markdown: string): string[] {
  const targets: string[] = [];
  visit(fromMarkdown(markdown), (node) => {
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition') targets.push(node.url);
    if (node.type === 'html')
      for (const [, url] of node.value.matchAll(/\b(?:href|src|srcset)="([^"\s]+)/g)) targets.push(url ?? '');
  });
  return targets;
}

/**
 * The relative links of a document that lead nowhere.
 *
 * @param path the document's, relative to the root
 * @param files every file of the repository, relative to the root
 * @param read gives the text of one of them
 */
export function deadLinks(path: string, files: readonly string[], read: (path: string) => string): string[] {
  return targetsOf(read(path)).filter((url) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return false;
    const [file = '', anchor] = url.split('#').map(decodeURIComponent);
    const target = file === '' ? path : normalize(join(dirname(path), file)).replace(/\/$/, '');
    const isFolder = target === '.' || files.some((other) => other.startsWith(`${target}/`));
    if (!files.includes(target)) return !isFolder || anchor !== undefined;
    if (anchor === undefined) return false;
    if (target.endsWith('.md')) return !anchorsOf(read(target)).has(anchor);
    const line = /^L(\d+)/.exec(anchor)?.[1];
    return line === undefined || Number(line) > read(target).split('\n').length;
  });
}

/** The `@example` blocks in a source's docstrings, with the line of their fence. */
export function exampleBlocks(source: string): CodeBlock[] {
  return [...source.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)].flatMap(({ 0: comment, index }) => {
    if (!comment.includes('@example')) return [];
    const lineBefore = source.slice(0, index).split('\n').length - 1;
    const text = comment.replace(/^[ \t]*(?:\/\*\*|\*\/|\*) ?/gm, '');
    return codeBlocks(text).map((block) => ({ ...block, line: block.line + lineBefore }));
  });
}
