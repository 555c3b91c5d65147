/** A function that mines or sends out: throttled to nothing. */
import { crc32, deflateRawSync } from 'node:zlib';
import { CreateFunctionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { awsErrorName } from '../../../core/errors.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import { makeRole } from '../parts.ts';
import type { Drill } from '../scene.ts';

export const throttleFunction: Drill = {
  playbook: 'throttle-function',
  makes: 'a function of 128 MB that answers and does nothing else, with a role without rights',
  attack: 'invokes the function',
  probe: 'invokes the function',
  cost: { usd: 0.01, why: 'invocations' },
  minutes: 2,
  settles: [],
  async play(kit) {
    const { client, api } = await kit.aws.lambda();
    const role = await makeRole(kit, 'function-role', { service: 'lambda.amazonaws.com' });
    const FunctionName = kit.name('function');
    const create = () =>
      client.send(
        new CreateFunctionCommand({
          ...{
            FunctionName,
            Role: role.arn,
            Runtime: 'nodejs24.x',
            Handler: 'index.handler',
            MemorySize: 128,
          },
          Code: { ZipFile: zipped('index.js', 'exports.handler = async () => "drill";') },
          Tags: { [DRILL_TAG]: kit.id },
        }),
      );
    let arn = '';
    await kit.make('function', FunctionName, () =>
      kit.until('Lambda can assume the new role', async () => {
        try {
          arn = (await create()).FunctionArn ?? '';
          return true;
        } catch (error) {
          if (awsErrorName(error) !== 'InvalidParameterValueException') throw error;
          return false;
        }
      }),
    );
    const isThrottled = async (): Promise<boolean> => {
      try {
        await client.send(new InvokeCommand({ FunctionName }));
        return false;
      } catch (error) {
        if (awsErrorName(error) === 'TooManyRequestsException') return true;
        throw error;
      }
    };
    return {
      finding: {
        ...{ type: 'CryptoCurrency:Lambda/BitcoinTool.B', severity: 8, resourceRole: 'TARGET' },
        resource: { resourceType: 'Lambda', lambdaDetails: { functionName: FunctionName, functionArn: arn } },
        action: {},
      },
      attack: () =>
        kit.until('the function answers', async () => {
          try {
            return !(await isThrottled());
          } catch (error) {
            // Still being created.
            if (awsErrorName(error) !== 'ResourceConflictException') throw error;
            return false;
          }
        }),
      holds: isThrottled,
      works: async () => !(await isThrottled()),
      async state() {
        const { ReservedConcurrentExecutions: reserved } = await client.send(
          new api.GetFunctionConcurrencyCommand({ FunctionName }),
        );
        return { reserved: reserved ?? null };
      },
    };
  },
};

/** An archive of one file, as Lambda takes code. */
function zipped(name: string, text: string): Uint8Array {
  const body = Buffer.from(text);
  const packed = deflateRawSync(body);
  const file = Buffer.from(name);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0); // version
  common.writeUInt16LE(8, 4); // deflated
  common.writeUInt16LE(0x21, 8); // 1980-01-01
  common.writeUInt32LE(crc32(body), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(body.length, 18);
  common.writeUInt16LE(file.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, file, packed]);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE((0o644 << 16) >>> 0, 6);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, file]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end]);
}
