/** TanStack DB: live queries over a collection. */
import { versionOf } from './version.mjs';

const none = () => {
  throw new Error('bench: it is no log');
};

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'tanstack-db',
  version: versionOf('@tanstack/db'),
  isNoLog: true,
  notes: {
    all: 'No log: a store of rows for queries, which need not be of events and may join collections.',
    views:
      'Events are written as by a sync of its own, without optimistic changes; queries are ordered by time. Without indexes, which made nothing faster here, and without its checks for development. Only sizes are read: rows as an array would be copied.',
  },
  create: none,
  write: none,
  async views(events) {
    process.env.NODE_ENV = 'production';
    const { createCollection, createLiveQueryCollection, eq, like } = await import('@tanstack/db');
    let rows = 0;
    let sync;
    const write = (some) => {
      sync.begin();
      for (const event of some) sync.write({ type: 'insert', value: { id: rows++, ...event } });
      sync.commit();
    };
    const collection = createCollection({
      id: 'chat',
      getKey: ({ id }) => id,
      startSync: true,
      sync: {
        sync(given) {
          sync = given;
          write(events);
          sync.markReady();
        },
      },
    });
    await collection.preload();
    return {
      arrivals: (arriving) => arriving.map((event) => () => write([event])),
      async follow(filters) {
        const queries = filters.map((filter) =>
          createLiveQueryCollection({
            startSync: true,
            query: (q) =>
              q
                .from({ message: collection })
                .where(({ message }) =>
                  'user' in filter ? eq(message.user, filter.user) : like(message.text, `%${filter.word}%`),
                )
                .orderBy(({ message }) => message.at),
          }),
        );
        for (const query of queries) await query.preload();
        return queries.map((query) => ({ length: () => query.size, events: () => query.toArray }));
      },
    };
  },
};
