/** The way of a message, drawn: this device, the relay, the others; and what holds right now. */
import { useConnection } from '@gossip-log/react';

const captions = {
  online: 'Connected. Every device keeps its own copy of the room.',
  connecting: 'Connecting. You can read and write meanwhile.',
  offline: 'On this device alone. The rest follows when there is a way.',
} as const;

export function Network() {
  const { status } = useConnection();
  return (
    <section className={`network ${status}`} aria-label="How it works">
      <ol aria-hidden="true">
        <li>This device</li>
        <li>Relay</li>
        <li>Others</li>
      </ol>
      <p>{captions[status]}</p>
    </section>
  );
}
