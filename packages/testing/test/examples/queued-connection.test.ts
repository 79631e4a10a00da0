import { connectionContract, contractBounds } from '@gossip-log/testing/contracts';
import { memoryPair } from '@gossip-log/transport';

connectionContract('an event loop turn for each delivery', () => {
  const held: (() => void)[] = [];
  let stalled = false;
  const pair = memoryPair({
    ...contractBounds,
    deliver: (task, to) => setImmediate(() => (stalled && to === 'right' ? void held.push(task) : task())),
  });
  return {
    left: pair.left,
    right: pair.right,
    cut: pair.cut,
    stall() {
      stalled = true;
    },
    release() {
      stalled = false;
      for (const task of held.splice(0)) task();
    },
  };
});
