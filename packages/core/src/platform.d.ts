/**
 * The few globals that core uses beyond the language, where they are there (`codec/utf8.ts`). Declared here rather than by
 * `lib: ["DOM"]`, so that timers, sockets, `document` and `process` stay type errors in core.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label: 'utf-8', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
declare const reportError: ((error: unknown) => void) | undefined;
