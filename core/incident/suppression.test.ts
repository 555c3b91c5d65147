import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exampleOf } from '../finding/example.ts';
import { parseFinding } from '../finding/finding.ts';
import type { JsonObject } from '../json.ts';
import { NARROWING, suppressionFor } from './suppression.ts';

const incident = { id: 'fb-0123456789ab' } as Parameters<typeof suppressionFor>[1];
const filterOf = (type: string, detail: JsonObject) =>
  suppressionFor({ ...exampleOf(type, 'medium'), detail }, incident).criterion;

const eks: JsonObject = { eksClusterDetails: { name: 'shop' } };
const runtime = (process: JsonObject): JsonObject => ({ runtimeDetails: { process } });

describe('the filter for findings alike', () => {
  it('names the process, not the instance and the type alone', () => {
    const text = readFileSync(
      new URL('../../test/fixtures/cases/52a-fileless-sophos.json', import.meta.url),
      'utf8',
    );
    expect(suppressionFor(parseFinding(JSON.parse(text)), incident).criterion).toEqual({
      type: 'DefenseEvasion:Runtime/FilelessExecution',
      accountId: '111122223333',
      'resource.instanceDetails.instanceId': 'i-0aaaaaaaaaaaa0520',
      'service.runtimeDetails.process.name': 'x-exec1',
      'service.runtimeDetails.process.executablePath': 'memfd:/av-subprocess-1874-exec1',
    });
  });

  it('names namespace, workload and process of a cluster', () => {
    const criterion = filterOf('Execution:Runtime/NewBinaryExecuted', {
      resource: {
        ...eks,
        kubernetesDetails: {
          kubernetesWorkloadDetails: { name: 'cart', type: 'deployments', namespace: 'web' },
        },
      },
      service: runtime({ executablePath: '/usr/bin/new', executableSha256: 'ab' }),
    });
    expect(criterion).toMatchObject({
      'resource.eksClusterDetails.name': 'shop',
      'resource.kubernetesDetails.kubernetesWorkloadDetails.namespace': 'web',
      'resource.kubernetesDetails.kubernetesWorkloadDetails.name': 'cart',
      'service.runtimeDetails.process.executableSha256': 'ab',
    });
  });

  it('names the remote address of either family, whatever the action', () => {
    const remoteIpDetails = { ipAddressV4: '', ipAddressV6: '2001:db8::7' };
    for (const action of [
      'awsApiCallAction',
      'kubernetesApiCallAction',
      'networkConnectionAction',
      'rdsLoginAttemptAction',
    ]) {
      const criterion = filterOf('Discovery:RDS/TorIPCaller', {
        resource: { rdsDbInstanceDetails: { dbInstanceIdentifier: 'orders' } },
        service: { action: { [action]: { remoteIpDetails } } },
      });
      expect(criterion[`service.action.${action}.remoteIpDetails.ipAddressV6`]).toBe('2001:db8::7');
    }
  });

  it.each<[string, JsonObject, string]>([
    ['a whole cluster', { resource: eks }, 'nothing narrower than the cluster shop'],
    [
      'a call that everybody makes, in a whole cluster',
      {
        resource: eks,
        service: { action: { kubernetesApiCallAction: { verb: 'list', requestUri: '/api/v1/pods' } } },
      },
      'nothing narrower than the cluster shop',
    ],
    ['a whole type', {}, 'does not name a resource'],
    [
      'a whole type by a call',
      { service: { action: { awsApiCallAction: { api: 'ListBuckets' } } } },
      'does not name a resource',
    ],
  ])('is refused where it could name only %s', (_what, detail, why) => {
    expect(() => filterOf('Discovery:Kubernetes/MaliciousIPCaller', detail)).toThrow(why);
  });

  it('is refused for the result of a malware scan, which is not a finding', () => {
    const malwareScanResult = { status: 'ACCESS_DENIED', outcome: 'unscanned' };
    const resource = { s3BucketDetails: [{ name: 'uploads' }] };
    expect(() => filterOf('MalwareScan:S3Object/AccessDenied', { malwareScanResult, resource })).toThrow(
      'not a finding',
    );
  });

  it('is refused for an attack sequence', () => {
    expect(() => filterOf('AttackSequence:IAM/CompromisedCredentials', { resource: eks })).toThrow(
      'attack sequence',
    );
  });

  it('names attributes that CreateFilter takes, and no other', () => {
    // The SDK writes the list of the API reference into the documentation of CreateFilter.
    const documented = readFileSync(
      new URL(
        '../../node_modules/@aws-sdk/client-guardduty/dist-types/models/models_0.d.ts',
        import.meta.url,
      ),
      'utf8',
    );
    const taken = new Set(documented.match(/(?<=<p>)[a-z][A-Za-z0-9.]+(?=<\/p>)/g));
    expect(taken.has('resource.eksClusterDetails.name')).toBe(true);
    expect(NARROWING.filter((name) => !taken.has(name))).toEqual([]);
  });
});
