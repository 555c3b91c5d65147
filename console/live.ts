/** Live pages: server-sent events, one line for every change. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReviewSource } from './source.ts';

export interface LiveUpdates {
  /** Keeps the response open, and writes to it until the page is closed. */
  watch(request: IncomingMessage, response: ServerResponse): void;
  close(): void;
}

/** Polls AWS only while a page is open. */
export function liveUpdates(source: ReviewSource): LiveUpdates {
  const watching = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  let stopWatching: (() => void) | undefined;

  /** A workflow takes many steps a second here; a page that fetches itself for each would never be still. */
  const changed = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const one of watching) one.write('event: change\ndata: {}\n\n');
    }, 250);
  };

  return {
    watch(request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': live\n\n');
      watching.add(response);
      stopWatching ??= source.watch(changed);
      // A comment now and then, so that a dead connection is noticed.
      const beat = setInterval(() => response.write(': beat\n\n'), 20_000);
      request.on('close', () => {
        clearInterval(beat);
        watching.delete(response);
        if (watching.size > 0) return;
        stopWatching?.();
        stopWatching = undefined;
      });
    },
    close() {
      clearTimeout(timer);
      stopWatching?.();
    },
  };
}
