/**
 * Whose connection it is, as far as its address tells: what a peer may cost is counted by that.
 *
 * An IPv6 host has a whole network of 64 bits to take addresses from, so all of a network count as one.
 *
 * @internal
 */
export function addressOf(peer: string): string {
  const host = peer.replace(/:\d+$/, '');
  if (!/^\[[\da-f:]+\]$/i.test(host)) return host;
  const [before = '', after = ''] = host.slice(1, -1).toLowerCase().split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return `[${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64]`;
}
