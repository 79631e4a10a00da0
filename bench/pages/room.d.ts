import type { ReactElement, ReactNode } from 'react';

export interface ChatEvent {
  readonly user: string;
  readonly text: string;
  readonly at: number;
}
export function List(props: { events: readonly { key: string; text: string }[] }): ReactElement;
export function last(length: number): number;
export function event(i: number): ChatEvent;
export function show(element: ReactNode): void;
export function firstRows(count: number): Promise<number>;
export function write(
  messages: number,
  append: (event: ChatEvent) => unknown,
): Promise<{ ms: number; listRenders: number; rowRenders: number }>;
