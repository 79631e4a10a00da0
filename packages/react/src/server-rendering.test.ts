import { createElement, type ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { FakeNode } from '../test/fake-node.js';
import { GossipProvider, useAppend, useConnection, useGossipLog, useGossipLogSelector } from './index.js';

function Room({ id }: { id: string | null }): ReactNode {
  const { status, events } = useGossipLog(id);
  const count = useGossipLogSelector(id, (all) => all.length);
  useAppend(id);
  return `${status} ${events.length} ${count} ${useConnection().status}`;
}

const rooms = [createElement(Room, { key: 'a', id: 'a' }), createElement(Room, { key: 'null', id: null })];

test('a server opens no log, also where the node has it open, and shows what hydration shows first', () => {
  const node = new FakeNode();
  node.open('a');
  node.ready('a', 'one');
  const html = renderToString(createElement(GossipProvider, { node }, rooms));
  expect(html).toBe('opening 0 0 connecting<!-- -->disabled 0 0 connecting');
  expect(node.opened).toBe(1);
});

test('a server makes no node', () => {
  const options = (): never => {
    throw new Error('options were read on a server');
  };
  const html = renderToString(createElement(GossipProvider, { options }, rooms));
  expect(html).toBe('opening 0 0 connecting<!-- -->disabled 0 0 connecting');
});
