import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exampleOf } from '../finding/example.ts';
import { attackOf } from './attack.ts';

const { types } = JSON.parse(
  readFileSync(new URL('../../playbooks/finding-types.json', import.meta.url), 'utf8'),
) as { types: { type: string; purpose: string }[] };
const named = (type: string) => attackOf(exampleOf(type, 'high')).map(({ id, name }) => `${id} ${name}`);

describe('attackOf', () => {
  it.each([
    // ATT&CK v19 split Defense Evasion: switching a log off impairs, hiding is stealth.
    [
      'Stealth:IAMUser/CloudTrailLoggingDisabled',
      'TA0112 Defense Impairment',
      'T1685.002 Disable or Modify Cloud Log',
    ],
    [
      'DefenseEvasion:IAMUser/BedrockLoggingDisabled',
      'TA0112 Defense Impairment',
      'T1685.002 Disable or Modify Cloud Log',
    ],
    ['DefenseEvasion:Runtime/FilelessExecution', 'TA0005 Stealth', 'T1620 Reflective Code Loading'],
    [
      'DefenseImpairment:S3/DisableOrModifyTools',
      'TA0112 Defense Impairment',
      'T1685 Disable or Modify Tools',
    ],
    ['LateralMovement:EC2/RemoteServices', 'TA0008 Lateral Movement', 'T1021 Remote Services'],
    [
      'ResourceDevelopment:SES/CompromiseAccounts',
      'TA0042 Resource Development',
      'T1586 Compromise Accounts',
    ],
    // What is done to a database is not always guessing its password.
    [
      'CredentialAccess:RDS/AnomalousBehavior.SuccessfulBruteForce',
      'TA0006 Credential Access',
      'T1110 Brute Force',
    ],
    [
      'CredentialAccess:RDS/MaliciousIPCaller.SuccessfulLogin',
      'TA0006 Credential Access',
      'T1078 Valid Accounts',
    ],
    ['Exfiltration:RDS/AnomalousBehavior', 'TA0010 Exfiltration', 'T1213.006 Databases'],
    ['Exfiltration:RDS/TorIPCaller', 'TA0010 Exfiltration', 'T1213.006 Databases'],
    [
      'Exfiltration:RDS/TransferDataToCloudAccount',
      'TA0010 Exfiltration',
      'T1537 Transfer Data to Cloud Account',
    ],
    ['Impact:RDS/AnomalousBehavior.Drop', 'TA0040 Impact', 'T1485 Data Destruction'],
    // Not everything that raises privileges leaves a container.
    [
      'PrivilegeEscalation:Runtime/ElevationToRoot',
      'TA0004 Privilege Escalation',
      'T1548 Abuse Elevation Control Mechanism',
    ],
    [
      'PrivilegeEscalation:Runtime/DockerSocketAccessed',
      'TA0004 Privilege Escalation',
      'T1611 Escape to Host',
    ],
    ['Impact:IAMUser/CostHarvesting', 'TA0040 Impact', 'AML.T0034 Cost Harvesting'],
    ['Impact:IAMUser/PromptInjection.Direct', 'TA0040 Impact', 'AML.T0051 LLM Prompt Injection'],
  ])('%s is %s, %s', (type, tactic, technique) => {
    expect(named(type)).toEqual([tactic, technique]);
  });

  it('does not name a technique where the type does not say what was done', () => {
    expect(named('PrivilegeEscalation:Runtime/SensitiveFileModified')).toEqual([
      'TA0004 Privilege Escalation',
    ]);
    expect(named('Impact:RDS/MaliciousIPCaller')).toEqual(['TA0040 Impact']);
  });

  it('links every id to its page, and says Defense Evasion of nothing', () => {
    for (const { type } of types) {
      for (const { kind, id, name, url } of attackOf(exampleOf(type, 'high'))) {
        expect(name).not.toBe('Defense Evasion');
        const atlas = id.startsWith('AML.');
        expect(url).toBe(
          atlas
            ? `https://atlas.mitre.org/techniques/${id}`
            : `https://attack.mitre.org/${kind}s/${id.replace('.', '/')}/`,
        );
      }
    }
  });

  it('knows the tactic of every purpose but those that name none', () => {
    const without = types.filter(({ type }) => named(type).length === 0);
    const purposes = new Set(without.map(({ purpose }) => purpose));
    expect([...purposes].sort()).toEqual([
      'AttackSequence',
      'Behavior',
      'Object',
      'PenTest',
      'Policy',
      'S3Object',
      'Trojan',
      'UnauthorizedAccess',
    ]);
  });
});
