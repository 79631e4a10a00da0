/** Resolves once the condition holds; it is looked at after every change. */
export function until(
  source: { subscribe(listener: () => void): () => void },
  condition: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    let unsubscribe = () => {};
    const look = () => {
      if (!condition()) return;
      unsubscribe();
      resolve();
    };
    unsubscribe = source.subscribe(look);
    look();
  });
}
