/** What people see when the app itself breaks: what happened, that nothing is lost, and a way on. */
import { Component, type ReactNode } from 'react';

interface Props {
  readonly children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { readonly error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <main className="notice" role="alert">
        <h1>Something broke</h1>
        <p>Your messages are kept on this device. Loading the page again usually helps.</p>
        <p className="detail">{error instanceof Error ? error.message : String(error)}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          Load again
        </button>
      </main>
    );
  }
}
