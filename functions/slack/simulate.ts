/** `/firebreak simulate`: a SAMPLE finding through the deployed workflow, which changes nothing for samples. */
import { randomUUID } from 'node:crypto';
import { startExecution } from '../../core/aws/executions.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ChannelEnvelope } from '../../pipeline/channel.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import type { Outcome } from './outcome.ts';

/** One a minute: it ends as a card in the channel. */
export async function simulate({ own, env, now }: Runtime, by: string): Promise<Outcome> {
  const at = now().toISOString();
  const envelope: ChannelEnvelope = { channel: 'simulate', detail: sampleFinding(env, at, by) };
  const started = await startExecution(own, {
    stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
    name: `simulate-${at.slice(0, 16).replace(/\D/g, '')}`,
    input: JSON.stringify(envelope),
  });
  return {
    say: started
      ? 'Started. A card with a SAMPLE banner follows in the channel; nothing is changed.'
      : 'Someone simulated a moment ago: look into the channel.',
  };
}

/** As GuardDuty sends one of its own samples: marked in the title and in additionalInfo, about an instance that is none. */
const sampleFinding = (
  { OWN_ACCOUNT, OWN_PARTITION, AWS_REGION }: Runtime['env'],
  at: string,
  by: string,
): JsonObject => ({
  schemaVersion: '2.0',
  id: randomUUID().replaceAll('-', ''),
  accountId: OWN_ACCOUNT,
  partition: OWN_PARTITION,
  region: AWS_REGION,
  type: 'UnauthorizedAccess:EC2/MaliciousIPCaller.Custom',
  severity: 5,
  title: '[SAMPLE] An EC2 instance talks to an address on a threat list.',
  description: `Simulated by ${by} with /firebreak simulate.`,
  createdAt: at,
  updatedAt: at,
  resource: {
    resourceType: 'Instance',
    instanceDetails: { instanceId: 'i-99999999', networkInterfaces: [], tags: [] },
  },
  service: {
    serviceName: 'guardduty',
    archived: false,
    count: 1,
    eventFirstSeen: at,
    eventLastSeen: at,
    resourceRole: 'TARGET',
    additionalInfo: { sample: true, value: '{"sample":true}', type: 'default' },
    action: { actionType: 'NETWORK_CONNECTION' },
  },
});
