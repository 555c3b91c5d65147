/** The sandbox as a drill's account: a twin that judges each caller by the policies that are there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arn } from '../../core/aws/arn.ts';
import { awsFor } from '../../core/aws/client.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { answerCards } from '../workflow.ts';
import { type Field, machinesOf } from './engine.ts';
import { IMAGE } from './network.ts';

interface DrillSandbox {
  readonly sandbox: Sandbox;
  readonly field: Field;
  /** Of its ledgers. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Opens an empty sandbox, in which every approval is given. */
export async function drillSandbox(policy: Policy): Promise<DrillSandbox> {
  const sandbox = await startSandbox({ policy });
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-drill-'));
  answerCards(sandbox, 'approve');
  sandbox.twin.state.parameters[IMAGE] = 'ami-0fb00000000000001';
  const { scope } = sandbox.twin;
  return {
    sandbox,
    folder,
    field: {
      ...{ aws: awsFor(scope), pipeline: awsFor(scope), table: sandbox.runtime.table },
      ...{ fast: true, now: sandbox.runtime.now },
      door: { kind: 'slack', user: 'U0ALICE' },
      caller: arn(scope, 'iam', 'user/operator', { global: true }),
      machines: machinesOf(awsFor(scope), 'sandbox'),
      asked: () => undefined,
    },
    async close() {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
