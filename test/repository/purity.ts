/** Finds what core must not touch: clock, randomness, timers, platform, I/O. */
import ts from 'typescript';

/** The likeliest ones; the rest of DOM and Node is unknown to core's compiler (`lib`, `types`). */
const impureGlobals = new Set([
  ...['Date', 'performance', 'crypto', 'globalThis', 'process', 'Buffer', 'console', 'fetch', 'WebSocket'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
]);

/** Where a name is a label of the author's own and refers to no global. */
function isOwnLabel(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isQualifiedName(parent) && parent.right === node) ||
    ((ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isEnumMember(parent)) &&
      parent.name === node)
  );
}

/** `new Date(ms)` and the type `Date` are values of time that are given; `Date.now()` and `new Date()` read the clock. */
function isGivenDate(node: ts.Identifier): boolean {
  const { parent } = node;
  if (node.text !== 'Date') return false;
  return ts.isTypeReferenceNode(parent) || (ts.isNewExpression(parent) && (parent.arguments?.length ?? 0) > 0);
}

/** What a source text touches that it must not, in order of appearance. */
export function impurities(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && impureGlobals.has(node.text) && !isOwnLabel(node) && !isGivenDate(node)) {
      found.push(node.text);
    }
    if (ts.isIdentifier(node) && node.text === 'random' && ts.isPropertyAccessExpression(node.parent)) {
      const { expression } = node.parent;
      if (ts.isIdentifier(expression) && expression.text === 'Math') found.push('Math.random');
    }
    if (ts.isStringLiteral(node) && node.text.startsWith('node:')) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.ES2022, true));
  return found;
}
