declare module 'dynalite' {
  import type { Server } from 'node:http';
  /** Without `path` the store is in memory. */
  export default function dynalite(options?: { path?: string; createTableMs?: number }): Server;
}

/** The parts that the server is made of: the store, what a request must be, and what is done then. */
declare module 'dynalite/db/index.js' {
  import type { Readable } from 'node:stream';
  /** The level database behind a store. */
  export interface Level {
    open(): Promise<void>;
    values(options: object): AsyncIterable<unknown>;
    createValueStream(options: object): Readable;
  }
  export interface Store {
    readonly db: Level;
    readonly lifecycleManager: { gracefulClose(done: (error?: Error | null) => void): void };
  }
  const db: {
    create(options: { path?: string; createTableMs?: number }): Store;
    /** The error of a condition that does not hold; `request` has been through the validations. */
    checkConditional(request: object, existing: object | undefined): Error | null | undefined;
  };
  export default db;
}
declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  const validations: {
    checkTypes(request: object, types: object): object;
    checkValidations(request: object, types: object, custom: unknown, store: Store): void;
  };
  export default validations;
}
declare module 'dynalite/validations/*.js' {
  const validation: { readonly types: object; readonly custom?: unknown };
  export default validation;
}
declare module 'dynalite/actions/*.js' {
  import type { Store } from 'dynalite/db/index.js';

  const action: (
    store: Store,
    request: object,
    done: (error: Error | null | undefined, answer?: object) => void,
  ) => void;
  export default action;
}
