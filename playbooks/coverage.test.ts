/** The list of finding types against what is documented, and against the SDK, whose enumerations grow when GuardDuty does. */
import { DetectorFeature, FeatureAdditionalConfiguration, IndicatorType } from '@aws-sdk/client-guardduty';
import { describe, expect, it } from 'vitest';
import { typeCatalogue } from './coverage.ts';

const { asOf, types } = await typeCatalogue();

describe('the list of finding types', () => {
  it('holds what is documented as of its date', () => {
    const count = (state: string) => types.filter((each) => each.state === state).length;
    expect({ asOf, active: count('active'), custom: count('custom') }).toEqual({
      asOf: '2026-11-30',
      active: 211,
      custom: 25,
    });
    expect(types.filter(({ state }) => state === 'retired').map(({ type }) => type)).toEqual([
      'Persistence:Kubernetes/ContainerWithSensitiveMount',
      'PrivilegeEscalation:Kubernetes/PrivilegedContainer',
    ]);
    expect(types.filter(({ aliasOf }) => aliasOf !== undefined)).toMatchObject([
      { type: 'S3Object:S3/MaliciousFile', aliasOf: 'Object:S3/MaliciousFile' },
    ]);
  });

  it('names each type once, in order, by its own purpose and resource', () => {
    const names = types.map(({ type }) => type);
    expect(names).toEqual([...new Set(names)].sort());
    for (const { type, purpose, resource } of types)
      expect(type.startsWith(`${purpose}:${resource}/`)).toBe(true);
  });

  // The SDK does not enumerate types. It does enumerate what makes them: when one of these fails, GuardDuty has something new.
  it('was compared when GuardDuty had these features and indicators', () => {
    expect(Object.keys(DetectorFeature).sort()).toEqual([
      'AI_ANALYST',
      'AI_PROTECTION',
      'EBS_MALWARE_PROTECTION',
      'EKS_AUDIT_LOGS',
      'EKS_RUNTIME_MONITORING',
      'LAMBDA_NETWORK_LOGS',
      'RDS_LOGIN_EVENTS',
      'RUNTIME_MONITORING',
      'S3_DATA_EVENTS',
    ]);
    expect(Object.keys(FeatureAdditionalConfiguration).sort()).toEqual([
      'EC2_AGENT_MANAGEMENT',
      'ECS_FARGATE_AGENT_MANAGEMENT',
      'EKS_ADDON_MANAGEMENT',
      'RDS_DATA_RISK',
    ]);
    expect(Object.keys(IndicatorType)).toHaveLength(22);
  });
});
