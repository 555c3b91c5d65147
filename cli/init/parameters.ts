/** Slack's values in Systems Manager, where the deployed stack reads them. Values never reach a log or the screen. */
import {
  DeleteParametersCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';

import { NO_SLACK } from '../../pipeline/environment.ts';

export const PARAMETERS = ['bot-token', 'signing-secret', 'channel', 'team-id', 'app-id'] as const;
export type ParameterName = (typeof PARAMETERS)[number];
const SECRET: readonly ParameterName[] = ['bot-token', 'signing-secret'];

/** Where the deployed stack reads it. */
export const pathOf = (stage: string, name: ParameterName): string => `/firebreak/${stage}/slack/${name}`;

/** Which of them are stored. Asks without decryption: the values are not needed. */
export async function storedNames(region: string, stage: string): Promise<ReadonlySet<ParameterName>> {
  const client = new SSMClient({ region });
  try {
    const names = PARAMETERS.map((name) => pathOf(stage, name));
    const { Parameters = [] } = await client.send(new GetParametersCommand({ Names: names }));
    // A stage without Slack has no values yet, whatever the stack was given in their place.
    const found = new Set(Parameters.filter(({ Value }) => Value !== NO_SLACK).map(({ Name }) => Name));
    return new Set(PARAMETERS.filter((name) => found.has(pathOf(stage, name))));
  } finally {
    client.destroy();
  }
}

/** One after the other; `written` is called with each that is stored, so that a failure in between can be reported exactly. */
export async function storeParameters(
  region: string,
  stage: string,
  values: Readonly<Partial<Record<ParameterName, string>>>,
  written: (name: ParameterName) => void = () => {},
): Promise<void> {
  const client = new SSMClient({ region });
  try {
    for (const name of PARAMETERS) {
      const Value = values[name];
      if (Value === undefined) continue;
      const Type = SECRET.includes(name) ? 'SecureString' : 'String';
      await client.send(new PutParameterCommand({ Name: pathOf(stage, name), Type, Value, Overwrite: true }));
      written(name);
    }
  } finally {
    client.destroy();
  }
}

/** Names that were not there are no error. */
export async function deleteParameters(region: string, stage: string): Promise<void> {
  const client = new SSMClient({ region });
  try {
    await client.send(new DeleteParametersCommand({ Names: PARAMETERS.map((name) => pathOf(stage, name)) }));
  } finally {
    client.destroy();
  }
}
