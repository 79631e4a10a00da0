import { expect, test } from 'vitest';
import { ViewLog } from '../../test/view-log.js';
import { map, tag, tagged, tagsOf, untag, view } from './index.js';

interface Message {
  readonly text: string;
  readonly tags?: readonly string[];
}

const ids = (rows: Iterable<{ readonly id: string }>) => Array.from(rows, ({ id }) => id);
const texts = map((message: Message) => message.text);

test('a tag that is given stays behind a map, also where the payload has it already [V1]', () => {
  const { log } = new ViewLog<Message>();
  for (const tags of [undefined, [], ['hot'], ['hot', 'new']]) log.append({ text: 'Tea', ...(tags && { tags }) });
  const hot = view(log, tag('hot'), texts);
  expect(hot.snapshot().map((event) => tagsOf(event))).toEqual([['hot'], ['hot'], ['hot'], ['hot', 'new']]);
  expect(ids(view(hot, tagged('hot')).snapshot())).toEqual(ids(log.snapshot()));
  const some = view(
    log,
    tag('hot', ({ payload }) => payload.tags?.includes('new') === true),
    texts,
    tagged('hot'),
  );
  expect(some.snapshot().length).toBe(1);
});

test('a tag that is taken away does not come back with a map, also where the payload did not have it [V1]', () => {
  const { log } = new ViewLog<Message>();
  for (const tags of [undefined, [], ['hot'], ['hot', 'new']]) log.append({ text: 'Tea', ...(tags && { tags }) });
  const cold = view(
    log,
    untag('hot'),
    map((message) => ({ ...message, tags: ['hot'] })),
  );
  expect(cold.snapshot().map((event) => tagsOf(event))).toEqual([[], [], [], ['new']]);
  expect(view(cold, tagged('hot')).snapshot().length).toBe(0);
  expect(view(cold, tag('hot'), tagged('hot')).snapshot().length).toBe(4);
});

test('where a tag cannot be decided the event shows as it is [V6]', () => {
  const { log } = new ViewLog<Message>();
  log.append({ text: 'Tea' });
  const made = view(
    log,
    tag('hot', ({ payload }) => payload.tags?.[0] === (undefined as unknown as string[])[0]),
  );
  expect(made.snapshot().at(0)?.payload).toEqual({ text: 'Tea' });
  expect(made.snapshot().at(0)?.error).toBeUndefined();
  expect(made.errors()).toMatchObject([{ code: 'view-threw', context: { operator: 'tag' } }]);
});

test('tags that a view gives cannot be changed by who reads them [V4]', () => {
  const { log } = new ViewLog<Message>();
  log.append({ text: 'Tea' });
  const tags = tagsOf(view(log, tag('hot')).snapshot().at(0) as never) as string[];
  expect(() => tags.push('cold')).toThrow(TypeError);
});
