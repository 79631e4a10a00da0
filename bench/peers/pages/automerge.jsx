/** Automerge: its repo with IndexedDB, and its hook. */
import * as A from '@automerge/automerge';
import { Repo } from '@automerge/automerge-repo';
import { RepoContext, useDocument } from '@automerge/automerge-repo-react-hooks';
import { IndexedDBStorageAdapter } from '@automerge/automerge-repo-storage-indexeddb';
import { event, firstRows, List, last, show, write } from '../../pages/room.jsx';

const newRepo = () => new Repo({ storage: new IndexedDBStorageAdapter('bench') });
let append = () => {};

const mapOf = ({ user, text, at }) => ({ user: new A.ImmutableString(user), text: new A.ImmutableString(text), at });

function Room({ url }) {
  const [doc, change] = useDocument(url);
  append = (message) => change((draft) => void draft.events.push(mapOf(message)));
  if (doc === undefined) return <p>loading</p>;
  const first = last(doc.events.length);
  return <List events={doc.events.slice(first).map(({ text }, i) => ({ key: first + i, text: text.val }))} />;
}

globalThis.bench = {
  async fill(count) {
    const repo = newRepo();
    const handle = repo.create({ events: [] });
    for (let from = 0; from < count; from += 1_000) {
      handle.change((draft) => {
        for (let i = from; i < Math.min(count, from + 1_000); i++) draft.events.push(mapOf(event(i)));
      });
    }
    await repo.flush();
    localStorage.setItem('url', handle.url);
  },
  async open(count) {
    show(
      <RepoContext.Provider value={newRepo()}>
        <Room url={localStorage.getItem('url')} />
      </RepoContext.Provider>,
    );
    return firstRows(count);
  },
  write: (messages) => write(messages, (message) => append(message)),
};
