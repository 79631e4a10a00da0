/** What tests need of Web streams; core's compiler knows no platform. */
declare class ReadableStream<T> {
  constructor(
    source: { pull(controller: { enqueue(value: T): void; close(): void }): Promise<void>; cancel(): Promise<void> },
    strategy: { highWaterMark: number },
  );
  getReader(): { read(): Promise<{ done: boolean; value?: T }>; cancel(): Promise<void> };
}
