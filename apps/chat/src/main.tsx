/** Makes the node, once, and puts the app on the page. */
import {
  createGossipNode,
  type GossipNode,
  GossipProvider,
  indexedDbStorage,
  webSocketClient,
} from '@gossip-log/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import './chat.css';
import { forgetClockTrouble, noteClockTrouble } from './clock-trouble.js';
import { ErrorBoundary } from './components/error-boundary.js';
import { startServiceWorker } from './page-version.js';
import { applyTheme } from './theme.js';

applyTheme();
// During development it would serve yesterday's page.
if (import.meta.env.PROD) startServiceWorker();

const relay = new URL('/sync', location.href);
relay.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
relay.hash = '';

const node = createGossipNode({
  storage: indexedDbStorage({ name: 'gossip-log-chat' }),
  connections: [webSocketClient({ url: relay.href })],
  onError: noteClockTrouble,
});
node.subscribe(() => {
  if (node.connection().status !== 'online') forgetClockTrouble();
});

declare global {
  interface Window {
    /** The node, for the browser's console: `gossip.open('general').snapshot().map((event) => event.payload)`. */
    gossip: GossipNode;
  }
}
window.gossip = node;

// Who looks again wants news at once.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') node.reconnect();
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <ErrorBoundary>
      <GossipProvider node={node}>
        <App />
      </GossipProvider>
    </ErrorBoundary>
  </StrictMode>,
);
