import type { Dialect } from './statement.ts';

/** Asynchronous queries of one store. */
export interface Queries {
  /** As people read it. */
  readonly store: string;
  readonly dialect: Dialect;
  start(statement: string): Promise<string>;
  state(id: string): Promise<'running' | 'ended' | { readonly failed: string }>;
  page(
    id: string,
    token: string | undefined,
  ): Promise<{ readonly records: readonly unknown[]; readonly next: string | undefined }>;
  cancel(id: string): Promise<void>;
}
