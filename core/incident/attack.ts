/**
 * MITRE ATT&CK for a finding: the tactic by GuardDuty's threat purpose, a technique only where the type names what was
 * done, and whatever an attack sequence carries itself. Ids of the Enterprise matrix, attack.mitre.org.
 */

import { isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { reader } from '../finding/reader.ts';
import { compileGlobs } from '../glob.ts';

export interface AttackMapping {
  readonly kind: 'tactic' | 'technique';
  /** `TA0006`, `T1110`, `T1568.002`; what an attack sequence says may be a name without an id. */
  readonly id: string;
  readonly name: string;
  /** Absent where the id has no page. */
  readonly url?: string;
}

/** Threat purposes that are tactics. `Policy`, `Object`, `PenTest` and `UnauthorizedAccess` name none. */
const TACTICS: Readonly<Record<string, readonly [string, string]>> = {
  Backdoor: ['TA0011', 'Command and Control'],
  CredentialAccess: ['TA0006', 'Credential Access'],
  CryptoCurrency: ['TA0040', 'Impact'],
  DefenseEvasion: ['TA0005', 'Defense Evasion'],
  Discovery: ['TA0007', 'Discovery'],
  Execution: ['TA0002', 'Execution'],
  Exfiltration: ['TA0010', 'Exfiltration'],
  Impact: ['TA0040', 'Impact'],
  InitialAccess: ['TA0001', 'Initial Access'],
  Persistence: ['TA0003', 'Persistence'],
  PrivilegeEscalation: ['TA0004', 'Privilege Escalation'],
  Recon: ['TA0043', 'Reconnaissance'],
  Stealth: ['TA0005', 'Defense Evasion'],
};

/** Types whose name says what was done. The first that fits is taken. */
const TECHNIQUES: readonly (readonly [string, string, string])[] = [
  ['*BruteForce*', 'T1110', 'Brute Force'],
  ['*:RDS/*', 'T1110', 'Brute Force'],
  ['Recon:EC2/PortProbe*', 'T1595', 'Active Scanning'],
  ['*:EC2/Portscan', 'T1046', 'Network Service Discovery'],
  ['*:EC2/PortSweep', 'T1046', 'Network Service Discovery'],
  ['CryptoCurrency:*', 'T1496', 'Resource Hijacking'],
  ['Impact:*Bitcoin*', 'T1496', 'Resource Hijacking'],
  ['Impact:*CryptoMiner*', 'T1496', 'Resource Hijacking'],
  ['*DenialOfService*', 'T1498', 'Network Denial of Service'],
  ['*DNSDataExfiltration*', 'T1048', 'Exfiltration Over Alternative Protocol'],
  ['*DGADomainRequest*', 'T1568.002', 'Domain Generation Algorithms'],
  ['*PhishingDomainRequest*', 'T1566', 'Phishing'],
  ['*C&CActivity*', 'T1071', 'Application Layer Protocol'],
  ['*Tor*', 'T1090.003', 'Multi-hop Proxy'],
  ['*InstanceCredentialExfiltration*', 'T1552.005', 'Cloud Instance Metadata API'],
  ['*MetadataDNSRebind*', 'T1552.005', 'Cloud Instance Metadata API'],
  ['*LoggingDisabled', 'T1562.008', 'Disable or Modify Cloud Logs'],
  ['*ProcessInjection.Ptrace', 'T1055.008', 'Ptrace System Calls'],
  ['*ProcessInjection.Proc', 'T1055.009', 'Proc Memory'],
  ['*ProcessInjection*', 'T1055', 'Process Injection'],
  ['*FilelessExecution', 'T1620', 'Reflective Code Loading'],
  ['*ReverseShell', 'T1059', 'Command and Scripting Interpreter'],
  ['PrivilegeEscalation:Runtime/*', 'T1611', 'Escape to Host'],
  ['Exfiltration:S3/*', 'T1530', 'Data from Cloud Storage'],
];
const NAMED = TECHNIQUES.map(([glob, id, name]) => ({ fits: compileGlobs([glob]), id, name }));

/** Tactics before techniques; empty where neither the type nor the finding names one. */
export function attackOf(finding: Finding): readonly AttackMapping[] {
  const tactic = TACTICS[finding.purpose];
  const technique = NAMED.find(({ fits }) => fits(finding.type));
  const found = [
    ...(tactic ? [mapping('tactic', ...tactic)] : []),
    ...(technique ? [mapping('technique', technique.id, technique.name)] : []),
    ...carried(finding),
  ];
  const unique = new Map(found.map((each) => [each.id, each] as const).reverse());
  return [...unique.values()]
    .sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'tactic' ? -1 : 1))
    .slice(0, 20);
}

function mapping(kind: AttackMapping['kind'], id: string, name: string): AttackMapping {
  const path = kind === 'tactic' ? `tactics/${id}` : `techniques/${id.replace('.', '/')}`;
  return { kind, id, name, ...(ID.test(id) ? { url: `https://attack.mitre.org/${path}/` } : {}) };
}
const ID = /^T[A]?\d{4}(\.\d{3})?$/;

/** An attack sequence lists them in `sequenceIndicators` (`ATTACK_TACTIC`, `ATTACK_TECHNIQUE`): ids, names or both in one text. */
function carried(finding: Finding): readonly AttackMapping[] {
  try {
    const sequence = reader(finding.detail, 'detail').child('service')?.child('detection')?.child('sequence');
    return (sequence?.children('sequenceIndicators') ?? []).flatMap((indicator) => {
      const key = indicator.optionalText('key');
      if (key !== 'ATTACK_TACTIC' && key !== 'ATTACK_TECHNIQUE') return [];
      const kind = key === 'ATTACK_TACTIC' ? 'tactic' : 'technique';
      return indicator.texts('values').map((value) => {
        const id = /T[A]?\d{4}(\.\d{3})?/.exec(value)?.[0] ?? value.slice(0, 80);
        return mapping(kind, id, value.slice(0, 80));
      });
    });
  } catch (error) {
    // A sequence of another shape names no technique; it is told all the same.
    if (isFirebreakError(error, 'FindingInvalid')) return [];
    throw error;
  }
}
