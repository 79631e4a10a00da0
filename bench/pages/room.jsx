/** The list that every system's page shows: the last fifty messages, each a row that renders only when it changed. */
import { memo } from 'react';
import { createRoot } from 'react-dom/client';

const rowsShown = 50;
const counts = { list: 0, row: 0 };

const Row = memo(function Row({ text }) {
  counts.row += 1;
  return <li>{text}</li>;
});

/** @param {{ events: readonly { key: string | number, text: string }[] }} props the last fifty */
export function List({ events }) {
  counts.list += 1;
  return (
    <ol>
      {events.map(({ key, text }) => (
        <Row key={key} text={text} />
      ))}
    </ol>
  );
}

export const last = (length) => Math.max(0, length - rowsShown);

/** The same events for every system. */
export const event = (i) => ({
  user: `user ${i % 10}`,
  text: `${i} ${'lorem ipsum dolor sit amet consectetur adipiscing '.slice(0, 45)}`,
  at: 1_700_000_000_000 + i * 1_500,
});

export const show = (element) => createRoot(document.getElementById('root')).render(element);

/** Resolves once the last row has that text. */
function shows(test) {
  return new Promise((resolve) => {
    const done = () => {
      const text = document.querySelector('li:last-child')?.textContent ?? '';
      if (!test(text)) return false;
      observer.disconnect();
      resolve();
      return true;
    };
    const observer = new MutationObserver(done);
    observer.observe(document.getElementById('root'), { childList: true, subtree: true, characterData: true });
    done();
  });
}

/** Milliseconds from the navigation until the last row of `count` events is painted. */
export async function firstRows(count) {
  await shows((text) => text === event(count - 1).text);
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now();
}

/** Messages one after another through `append`, each waited for. */
export async function write(messages, append) {
  Object.assign(counts, { list: 0, row: 0 });
  const startedAt = performance.now();
  for (let i = 0; i < messages; i++) {
    const text = `message ${i}`;
    append({ user: 'me', text, at: 1_800_000_000_000 + i });
    await shows((shown) => shown === text);
  }
  return { ms: performance.now() - startedAt, listRenders: counts.list, rowRenders: counts.row };
}
