/** What a log is, fixed when it is created; peers compare it. */
export interface LogDescriptor {
  readonly id: string;
  /** `signed` is reserved. */
  readonly policy: 'unsigned';
  /** Name of the payload codec. */
  readonly codec: string;
}
