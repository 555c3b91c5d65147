/** A stage and a table for the tests of one file: empty before each test, closed after the last. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Table } from '../../core/table/table.ts';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import type { Stage } from './stage.ts';

export interface OnStage {
  readonly stage: Stage;
  readonly table: Table;
  /** What the stage could not show, printed at the end. */
  readonly lacking: Set<string>;
}

/** Returns what is open while a test runs. */
export function onStage(open: () => Promise<Stage>): OnStage {
  let stage: Stage | undefined;
  let database: Database | undefined;
  const lacking = new Set<string>();
  const up = <T>(part: T | undefined): T => {
    if (part !== undefined) return part;
    throw new Error('the stage is not open yet');
  };
  beforeAll(async () => {
    stage = await open();
  });
  beforeEach(async () => {
    const opened = up(stage);
    await opened.reset();
    await database?.close();
    database = await openDatabase(opened.scope, 'conformance');
  });
  afterAll(async () => {
    await database?.close();
    await stage?.stop();
    for (const line of lacking) console.error(`not checked on ${stage?.name}: ${line}`);
  });
  return {
    lacking,
    get stage() {
      return up(stage);
    },
    get table() {
      return up(database).table;
    },
  };
}
