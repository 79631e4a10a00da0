import { act, cleanup, render } from '@testing-library/react';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, test, vi } from 'vitest';
import { FakeNode } from '../test/fake-node.js';
import { createLogStore, GossipProvider, useConnection, useGossipLog, useGossipLogSelector } from './index.js';

afterEach(cleanup);

const rendered: string[] = [];

function Room() {
  const { status, events } = useGossipLog('a');
  const count = useGossipLogSelector('a', (all) => all.length);
  const text = `${status} ${events.length} ${count} ${useConnection().status}`;
  rendered.push(text);
  return <p>{text}</p>;
}

test('hydration shows what the server sent, then the log that is open already', () => {
  const node = new FakeNode();
  const app = (
    <GossipProvider node={node}>
      <Room />
    </GossipProvider>
  );
  const container = document.createElement('div');
  document.body.append(container);
  container.innerHTML = renderToString(app);
  const preloaded = createLogStore(node, 'a');
  node.ready('a', 'one');
  rendered.length = 0;

  const onRecoverableError = vi.fn();
  const { unmount } = render(app, { container, hydrate: true, onRecoverableError });
  expect(onRecoverableError).not.toHaveBeenCalled();
  expect(rendered).toEqual(['opening 0 0 connecting', 'ready 1 1 offline']);
  expect(container.textContent).toBe('ready 1 1 offline');

  act(() => void node.receive('a', 'two'));
  expect(container.textContent).toBe('ready 2 2 offline');
  unmount();
  preloaded.release();
  expect(node.held).toBe(0);
});
