/** Numbered rules and laws: where they are stated, and which tests cite them. */

/**
 * The rules that a document or a module's head states, each at the beginning of its line: `- [P1] …`, `- **L1 …`,
 * `| S1 | …`, `### S1 …`.
 */
export function statedRules(text: string): string[] {
  const stated = /^\s*(?:\*\s+)?(?:[-*]\s+)?(?:\[|\*\*\[?|\|\s*\**|#+\s+)([A-Z]\d+)\b/gm;
  return [...text.matchAll(stated)].flatMap(([, rule]) => rule ?? []);
}

/** The rules that titles of tests begin or end with: `'[S3, S4] …'`, `'… [P1]'`, `'… [S5] [L4]'`. */
export function citedRules(text: string): string[] {
  const titles = /['"`]((?:\[[A-Z]\d+(?:[, ]+[A-Z]\d+)*\] ?)+)|((?: \[[A-Z]\d+(?:[, ]+[A-Z]\d+)*\])+)['"`]/g;
  return [...text.matchAll(titles)].flatMap(([rules]) => rules.match(/[A-Z]\d+/g) ?? []);
}

/** Where rules of a letter stand, by the rows of a table: `| B | valid blocks | [block.ts](path), … |`. */
export function ruleHomes(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| ([A-Z]) \|.*\|([^|]*)\|$/gm)];
  return new Map(
    rows.map(([, letter = '', home = '']) => [
      letter,
      [...home.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path),
    ]),
  );
}
