import { expect, test } from 'vitest';
import { addressOf } from './peer-address.js';

test.each([
  ['an IPv4 address without its port', '203.0.113.9:4400', '203.0.113.9'],
  ['the network of an IPv6 address', '[2001:db8:1:2:3:4:5:6]:4400', '[2001:db8:1:2::/64]'],
  ['the same network, written shorter', '[2001:0DB8:1:2::9]:1', '[2001:db8:1:2::/64]'],
  ['a network with groups of 0', '[2001:db8::7]:1', '[2001:db8:0:0::/64]'],
  ['this machine', '[::1]:1', '[0:0:0:0::/64]'],
  ['an IPv4 address as a dual socket tells it', '[::ffff:203.0.113.9]:1', '[::ffff:203.0.113.9]'],
  ['what a node has dialled', 'ws://relay.example:4400/sync', 'ws://relay.example:4400/sync'],
  ['a peer in memory', 'memory:left', 'memory:left'],
])('peers are told apart by %s', (_, peer, address) => {
  expect(addressOf(peer)).toBe(address);
});
