/** The samples of the READMEs, as they are printed there, over payloads that no app of ours would append. */
import { readFileSync } from 'node:fs';
import * as view from '@gossip-log/core/view';
import { fireEvent, render, waitFor } from '@testing-library/react';
import * as React from 'react';
import * as jsxRuntime from 'react/jsx-runtime';
import ts from 'typescript';
import { expect, onTestFinished, test } from 'vitest';
import * as zustand from 'zustand';
import * as vanilla from 'zustand/vanilla';
import * as gossipLog from './index.js';

const hostile: readonly unknown[] = [
  ...[{ oops: true }, null, 5, false, [], [[['x']]], '', { text: null }, { text: { toString: 'x' } }, { text: 5 }],
  ...['https://a.b '.repeat(20_000), { text: 'https://a.b '.repeat(20_000) }],
  ...['x'.repeat(200_000), { room: 'tea', text: 'x'.repeat(200_000) }],
  ...['half \ud83d', { text: 'half \ud83d' }, { text: '<script>alert(1)</script>' }],
  ...[JSON.parse('{ "__proto__": { "text": "x" } }'), { room: 'tea' }, { room: 'tea', text: [] }],
  ...[
    { $$typeof: 'react.element', type: 'b' },
    { action: 'add', args: [{ oops: true }] },
    { action: 'add', args: [] },
  ],
  ...[
    { action: '__proto__', args: [] },
    { action: 'constructor', args: [] },
    { action: 'add', args: ['fine'] },
  ],
];

const modules: Readonly<Record<string, unknown>> = {
  react: React,
  'react/jsx-runtime': jsxRuntime,
  zustand,
  'zustand/vanilla': vanilla,
  '@gossip-log/core/view': view,
  '@gossip-log/react': gossipLog,
};

/** The samples of a README that hold `text`, each as what it declares by that name. */
function samples(path: string, text: string, name: string): unknown[] {
  const readme = readFileSync(new URL(path, import.meta.url), 'utf8');
  const blocks = Array.from(readme.matchAll(/^```tsx?[^\n]*\n(.*?)^```/gms), ([, code = '']) => code);
  return blocks
    .filter((code) => code.includes(text))
    .map((code) => {
      const { outputText } = ts.transpileModule(code, {
        compilerOptions: { jsx: ts.JsxEmit.ReactJSX, module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
      });
      const run = new Function('require', 'exports', `${outputText}\nreturn ${name};`);
      return run((from: string) => modules[from], {});
    });
}

async function hostileLog(id: string) {
  const node = gossipLog.createGossipNode({ storage: gossipLog.memoryStorage() });
  onTestFinished(() => node.close());
  const log = node.open<unknown>(id);
  await log.ready;
  for (const payload of hostile) log.append(payload);
  return { node, log };
}

test('every sample that shows a log shows it, whatever is in it, and bounds what it shows of one payload', async () => {
  const rooms = [
    ...samples('../../../README.md', 'function Room(', 'Room'),
    ...samples('../README.md', 'function Room(', 'Room'),
  ] as React.ComponentType<{ id: string; name: string }>[];
  expect(rooms.length).toBeGreaterThanOrEqual(4);
  for (const Room of rooms) {
    const { node } = await hostileLog('chat');
    const { container, unmount } = render(
      <gossipLog.GossipProvider node={node}>
        <Room id="chat" name="tea" />
      </gossipLog.GossipProvider>,
    );
    const rows = () => container.querySelectorAll(container.querySelector('ol') === null ? 'p' : 'li');
    // The view shows those of its room alone.
    await waitFor(() => expect([hostile.length, 3]).toContain(rows().length));
    for (const row of Array.from(rows())) expect((row.textContent ?? '').length).toBeLessThanOrEqual(4000);
    expect(container.querySelector('script')).toBeNull();
    unmount();
  }
});

test('the sample of a store takes up what its actions accept, whatever is called', async () => {
  const { node } = await hostileLog('todos');
  const [Provider] = samples('../README.md', 'function TodosProvider', '[TodosProvider, TodoList]') as [
    [React.ComponentType<{ children: React.ReactNode }>, React.ComponentType],
  ];
  const [TodosProvider, TodoList] = Provider;
  const { container } = render(
    <React.StrictMode>
      <gossipLog.GossipProvider node={node}>
        <TodosProvider>
          <TodoList />
        </TodosProvider>
      </gossipLog.GossipProvider>
    </React.StrictMode>,
  );
  await waitFor(() => expect(container.querySelector('p')?.textContent).toBe('fine'));
  fireEvent.click(container.querySelector('button') as Element);
  // The list may be on the screen before React has subscribed it: it looks again then.
  await waitFor(() => expect(container.querySelector('p')?.textContent).toBe('fine, Tea'));
});

test('the sample that deletes leaves the place, says that it is deleted, and erases the payload', async () => {
  const { node } = await hostileLog('chat');
  const [Room] = samples('../README.md', 'onDelete', 'Room') as [React.ComponentType<{ id: string }>];
  const { container } = render(
    <gossipLog.GossipProvider node={node}>
      <Room id="chat" />
    </gossipLog.GossipProvider>,
  );
  const rows = () => Array.from(container.querySelectorAll('li'), (row) => row.textContent);
  await waitFor(() => expect(rows().length).toBe(hostile.length));
  const before = rows();
  fireEvent.click(container.querySelectorAll('li button')[2] as Element);
  expect(rows()).toEqual(before.with(2, 'deleted'));
  expect(node.open('chat').snapshot().at(2)?.redacted).toBeDefined();
});
