import { expect, test } from 'vitest';
import { ViewLog } from '../../test/view-log.js';
import type { CheckpointStore } from '../index.js';
import { foldSaveEvents, foldStepEvents, metadataValueBytesMax } from '../limits.js';
import { emptySnapshot } from '../log/snapshot.js';
import { fold, view, where } from './index.js';

/** A store in memory; `failing` makes it fail. */
class MemoryCheckpoints implements CheckpointStore {
  readonly kept = new Map<string, Uint8Array>();
  saves = 0;
  failing = false;

  async load(name: string) {
    if (this.failing) throw new Error('broken');
    return this.kept.get(name);
  }

  async save(name: string, bytes: Uint8Array | undefined) {
    this.saves++;
    if (this.failing) throw new Error('broken');
    if (bytes === undefined) this.kept.delete(name);
    else this.kept.set(name, bytes);
  }
}

/** Sums up, and counts how often it was asked. */
function summing() {
  const asked = { times: 0 };
  const reducer = (state: { sum: number }, { payload }: { payload: number }) => {
    asked.times++;
    return { sum: state.sum * 3 + payload };
  };
  return { asked, reducer };
}

const naive = (payloads: readonly number[]) => payloads.reduce((sum, payload) => (sum * 3 + payload) % 1e9, 0);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('[V1] a late event is replayed from the nearest checkpoint: the nearer to the end, the fewer events', () => {
  const made = new ViewLog<number>();
  made.append(...upTo(20_000));
  let asked = 0;
  const total = fold(
    made.log,
    (state: number, { payload }) => {
      asked++;
      return (state * 3 + payload) % 1e9;
    },
    0,
  );
  total.value();
  expect(asked).toBe(20_000);
  let length = 20_000;
  for (const distance of [5_000, 1_000, 200, 20]) {
    asked = 0;
    made.late(made.nowMs - distance, 7);
    length++;
    expect(total.value()).toBe(naive(Array.from(made.log.snapshot(), ({ payload }) => payload)));
    expect(asked).toBeGreaterThanOrEqual(distance);
    expect(asked).toBeLessThan(2 * distance + 2 * foldStepEvents);
    expect(made.log.length).toBe(length);
  }
});

test('[V4] what changes nothing for the fold gives the same state, and asks nothing', () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const { asked, reducer } = summing();
  const total = fold(
    view(
      made.log,
      where((n: number) => n > 0),
    ),
    reducer,
    { sum: 0 },
  );
  const before = total.value();
  made.late(1_001, -5);
  made.append(-1);
  expect(total.value()).toBe(before);
  expect(asked.times).toBe(2);
});

test('[V10] a reducer that throws is reported with the event, once; the event is skipped', () => {
  const made = new ViewLog<number>();
  const total = fold(
    made.log,
    (state: number, { payload }) => {
      if (payload === 2) throw new Error('two');
      return state + payload;
    },
    0,
  );
  let told = 0;
  const end = total.subscribe(() => told++);
  made.append(1);
  const event = made.append(2);
  made.append(3);
  made.late(1_001, 10);
  expect(total.value()).toBe(14);
  expect(total.errors()).toMatchObject([{ code: 'view-threw', context: { operator: 'fold', id: event.id } }]);
  expect(told).toBe(4);
  end();
});

test.each<[string, (state: { list: number[] }, n: number) => { list: number[] }]>([
  [
    'its state',
    (state, n) => {
      state.list = [n];
      return state;
    },
  ],
  [
    'what is in its state',
    (state, n) => {
      state.list.push(n);
      return { ...state };
    },
  ],
])('[V10] a reducer that changes %s is reported with the event', (_what, reducer) => {
  const made = new ViewLog<number>();
  const total = fold(made.log, (state, { payload }) => reducer(state, payload), { list: [] as number[] });
  const event = made.append(1);
  expect(total.value()).toEqual({ list: [] });
  expect(total.errors()).toMatchObject([{ context: { id: event.id }, cause: expect.any(TypeError) }]);
});

test('[V10] a state that was read, or is a checkpoint, never changes', () => {
  const made = new ViewLog<number>();
  const grow = (state: { list: number[] }, { payload }: { payload: number }) => {
    if (payload % 2 === 0) return { list: [...state.list, payload] };
    state.list.push(payload);
    return state;
  };
  const total = fold(made.log, grow, { list: [] });
  made.append(0);
  const read = total.value();
  const text = JSON.stringify(read);
  made.append(1, 2, ...Array.from({ length: 2 * foldStepEvents }, () => 3));
  total.value();
  expect(JSON.stringify(read)).toBe(text);
  expect(total.errors().length).toBeGreaterThan(0);
});

test('[V11] a fold goes on after a restart from what was saved, in front of late events too', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  const open = () => {
    const { asked, reducer } = summing();
    const options = { checkpoint: { store, name: 'total', version: 1 } };
    return {
      asked,
      total: fold(made.log, (s: { sum: number }, e) => ({ sum: reducer(s, e).sum % 1e9 }), { sum: 0 }, options),
    };
  };
  made.append(...upTo(10_000));
  const first = open();
  first.total.value();
  await first.total.save();

  made.append(5, 6);
  const second = open();
  await second.total.restored;
  const expected = () => ({ sum: naive(Array.from(made.log.snapshot(), ({ payload }) => payload)) });
  expect(second.total.value()).toEqual(expected());
  expect(second.asked.times).toBe(2);

  made.late(made.nowMs - 300, 1);
  const third = open();
  await third.total.restored;
  expect(third.total.value()).toEqual(expected());
  expect(third.asked.times).toBeGreaterThan(300);
  expect(third.asked.times).toBeLessThan(2_000);
});

test('[V11] what was saved by another version, of other events, or is damaged is not used', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  const open = (version: string, log = made.log) => {
    const { asked, reducer } = summing();
    return { asked, total: fold(log, reducer, { sum: 0 }, { checkpoint: { store, name: 'total', version } }) };
  };
  made.append(1, 2, 3);
  await open('1').total.save();
  const bytes = store.kept.get('total') as Uint8Array;

  const same = open('1');
  await same.total.restored;
  same.total.value();
  expect(same.asked.times).toBe(0);

  const otherLog = new ViewLog<number>(3);
  otherLog.append(1, 2, 3, 4);
  const other = open('1', otherLog.log);
  await other.total.restored;
  other.total.value();
  expect(other.asked.times).toBe(4);

  const newer = open('2');
  await newer.total.restored;
  newer.total.value();
  expect(newer.asked.times).toBe(3);
  expect(store.kept.has('total')).toBe(false);

  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] as number) ^ 4;
    store.kept.set('total', damaged);
    const reader = open('1');
    await reader.total.restored;
    expect(reader.total.value()).toEqual({ sum: 18 });
    expect(reader.asked.times).toBe(3);
  }
});

test('[V11] a fold saves by itself every so many events; what fails is reported and stops nothing', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  const total = fold(made.log, (sum: number, { payload }) => sum + payload, 0, {
    checkpoint: { store, name: 'total', version: 1 },
  });
  await total.restored;
  made.append(...upTo(foldSaveEvents - 1));
  total.value();
  expect(store.saves).toBe(0);
  made.append(1);
  total.value();
  for (let turn = 0; turn < 50; turn++) await undefined;
  expect(store.saves).toBe(1);
  store.failing = true;
  await expect(total.save()).rejects.toThrow('broken');
  expect(total.errors()).toMatchObject([{ code: 'storage-failed' }]);
  made.append(1);
  expect(total.value()).toBe(((foldSaveEvents - 1) * (foldSaveEvents - 2)) / 2 + 2);
});

test('[V11] [L7] a state too large to be saved is refused; of several checkpoints those are saved that have room', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  const filler = (bytes: number) =>
    fold(made.log, (_text: string, { payload }) => 'x'.repeat(bytes) + payload, '', {
      checkpoint: { store, name: 'text', version: 1 },
    });
  made.append(...upTo(1_000));
  const half = filler(metadataValueBytesMax * 0.6);
  await half.save();
  expect(store.kept.get('text')?.length).toBeLessThan(metadataValueBytesMax);
  await expect(filler(metadataValueBytesMax).save()).rejects.toMatchObject({ code: 'limit-exceeded' });
});

test('saving a fold without events does nothing, and keeps what was saved before [V11]', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  const options = { checkpoint: { store, name: 'total', version: 1 } };
  await fold(made.log, summing().reducer, { sum: 0 }, options).save();
  expect(store.saves).toBe(0);
  made.append(1, 2, 3);
  await fold(made.log, summing().reducer, { sum: 0 }, options).save();
  const saved = store.kept.get('total');
  // A log that is still opening has no events yet.
  const opening = fold(
    { snapshot: () => emptySnapshot, subscribe: () => () => {} },
    summing().reducer,
    { sum: 0 },
    options,
  );
  await opening.restored;
  await opening.save();
  expect(store.kept.get('total')).toBe(saved);
});

test('what is saved while the saved state is still being read is not lost to it [V11]', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  made.append(1, 2, 3);
  const open = (version: number) =>
    fold(made.log, summing().reducer, { sum: 0 }, { checkpoint: { store, name: 'total', version } });
  await open(1).save();
  const { load } = store;
  store.load = async (name) => {
    for (let turn = 0; turn < 20; turn++) await undefined;
    return load.call(store, name);
  };
  const newer = open(2);
  await Promise.all([newer.save(), newer.restored]);
  expect(store.kept.has('total')).toBe(true);
});

test('a subscriber that throws when a save fails ends no process, and is reported', async () => {
  const made = new ViewLog<number>();
  const store = new MemoryCheckpoints();
  store.failing = true;
  const total = fold(made.log, summing().reducer, { sum: 0 }, { checkpoint: { store, name: 'total', version: 1 } });
  total.subscribe(() => {
    throw new Error('a subscriber');
  });
  await total.restored;
  expect(total.errors().map(({ code }) => code)).toEqual(['storage-failed', 'view-threw']);
  store.failing = false;
  total.subscribe(() => {});
  made.log.merge(new ViewLog<number>(2).log.encode());
  await total.save();
});

test('a long log is folded with few checkpoints: a state costs what it holds only there', () => {
  const made = new ViewLog<number>();
  made.append(...upTo(200 * foldStepEvents));
  let frozen = 0;
  const { isFrozen } = Object;
  const total = fold(
    made.log,
    (state: { last: number }, { payload }) => {
      if (isFrozen(state)) frozen++;
      return { last: payload };
    },
    { last: 0 },
  );
  expect(total.value()).toEqual({ last: 200 * foldStepEvents - 1 });
  expect(frozen).toBeLessThan(40);
});

test('a state may be nested deeper than the stack: a list whose items hold one another [V10]', () => {
  interface Item {
    readonly text: number;
    readonly before: Item | undefined;
  }
  const made = new ViewLog<number>();
  made.append(...Array.from({ length: 30_000 }, (_, i) => i));
  const newest = fold<number, Item | undefined>(made.log, (before, { payload: text }) => ({ text, before }), undefined);
  let item = newest.value();
  let length = 0;
  for (; item !== undefined; item = item.before) {
    expect(Object.isFrozen(item) || expect.unreachable()).toBe(true);
    length++;
  }
  expect(length).toBe(30_000);
});
