declare module 'dynalite' {
  import type { Server } from 'node:http';
  /** Without `path` the store is in memory. */
  export default function dynalite(options?: { path?: string; createTableMs?: number }): Server;
}
