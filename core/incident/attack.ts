/**
 * MITRE ATT&CK for a finding: the tactic by GuardDuty's threat purpose, a technique only where the type names what was
 * done, and whatever an attack sequence carries itself. Ids of the Enterprise matrix of ATT&CK v20 (attack.mitre.org), which
 * has Stealth and Defense Impairment in place of Defense Evasion since v19; for AI workloads those of ATLAS (atlas.mitre.org).
 */

import { isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { reader } from '../finding/reader.ts';
import { compileGlobs } from '../glob.ts';

export interface AttackMapping {
  readonly kind: 'tactic' | 'technique';
  /** `TA0006`, `T1110`, `T1568.002`, `AML.T0051`; what an attack sequence says may be a name without an id. */
  readonly id: string;
  readonly name: string;
  /** Absent where the id has no page. */
  readonly url?: string;
}

type Named = readonly [id: string, name: string];

/** Threat purposes that are tactics. `Policy`, `Object`, `PenTest` and `UnauthorizedAccess` name none. */
const TACTICS: ReadonlyMap<string, Named> = new Map([
  ['Backdoor', ['TA0011', 'Command and Control']],
  ['Collection', ['TA0009', 'Collection']],
  ['CredentialAccess', ['TA0006', 'Credential Access']],
  ['CryptoCurrency', ['TA0040', 'Impact']],
  ['DefenseEvasion', ['TA0005', 'Stealth']],
  ['DefenseImpairment', ['TA0112', 'Defense Impairment']],
  ['Discovery', ['TA0007', 'Discovery']],
  ['Execution', ['TA0002', 'Execution']],
  ['Exfiltration', ['TA0010', 'Exfiltration']],
  ['Impact', ['TA0040', 'Impact']],
  ['InitialAccess', ['TA0001', 'Initial Access']],
  ['LateralMovement', ['TA0008', 'Lateral Movement']],
  ['Persistence', ['TA0003', 'Persistence']],
  ['PrivilegeEscalation', ['TA0004', 'Privilege Escalation']],
  ['Recon', ['TA0043', 'Reconnaissance']],
  ['ResourceDevelopment', ['TA0042', 'Resource Development']],
  ['Stealth', ['TA0005', 'Stealth']],
]);

/** GuardDuty's purposes are older than ATT&CK's split: these weaken what watches, they do not hide from it. */
const IMPAIRS = compileGlobs([
  '*LoggingDisabled',
  'Stealth:IAMUser/PasswordPolicyChange',
  // Calls "that stop logs or alarms", as GuardDuty describes the type.
  'DefenseEvasion:IAMUser/AnomalousBehavior',
]);

/** Types whose name says what was done. The first that fits is taken. */
const TECHNIQUES: readonly (readonly [glob: string, id: string, name: string])[] = [
  ['*BruteForce*', 'T1110', 'Brute Force'],
  ['*:RDS/*FailedLogin', 'T1110', 'Brute Force'],
  ['*:RDS/*SuccessfulLogin', 'T1078', 'Valid Accounts'],
  ['Discovery:RDS/*', 'T1046', 'Network Service Discovery'],
  ['Exfiltration:RDS/*IPCaller', 'T1213.006', 'Databases'],
  ['Exfiltration:RDS/AnomalousBehavior', 'T1213.006', 'Databases'],
  ['Impact:RDS/*.Delete', 'T1485', 'Data Destruction'],
  ['Impact:RDS/*.Drop', 'T1485', 'Data Destruction'],
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
  ['*/Tor*', 'T1090.003', 'Multi-hop Proxy'],
  ['*InstanceCredentialExfiltration*', 'T1552.005', 'Cloud Instance Metadata API'],
  ['*MetadataDNSRebind*', 'T1552.005', 'Cloud Instance Metadata API'],
  ['*LoggingDisabled', 'T1685.002', 'Disable or Modify Cloud Log'],
  ['*ProcessInjection.Ptrace', 'T1055.008', 'Ptrace System Calls'],
  ['*ProcessInjection.Proc', 'T1055.009', 'Proc Memory'],
  ['*ProcessInjection*', 'T1055', 'Process Injection'],
  ['*PtraceAntiDebugging', 'T1622', 'Debugger Evasion'],
  ['*KernelModuleLoaded', 'T1547.006', 'Kernel Modules and Extensions'],
  ['*FilelessExecution', 'T1620', 'Reflective Code Loading'],
  ['*ReverseShell', 'T1059', 'Command and Scripting Interpreter'],
  ['*:Runtime/SuspiciousCommand', 'T1059', 'Command and Scripting Interpreter'],
  ['*:Runtime/SuspiciousShellCreated', 'T1059', 'Command and Scripting Interpreter'],
  ['*:Runtime/DockerSocketAccessed', 'T1611', 'Escape to Host'],
  ['*:Runtime/RuncContainerEscape', 'T1611', 'Escape to Host'],
  ['*:Runtime/CGroupsReleaseAgentModified', 'T1611', 'Escape to Host'],
  ['*:Runtime/ContainerMountsHostDirectory', 'T1611', 'Escape to Host'],
  ['*:Runtime/UserfaultfdUsage', 'T1068', 'Exploitation for Privilege Escalation'],
  ['*:Runtime/ElevationToRoot', 'T1548', 'Abuse Elevation Control Mechanism'],
  ['Exfiltration:S3/TransferDataToCloudAccount', 'T1537', 'Transfer Data to Cloud Account'],
  ['Exfiltration:S3/*', 'T1530', 'Data from Cloud Storage'],
  // Use of AI models.
  ['*AnomalousModelInvocation', 'AML.T0040', 'AI Model Inference API Access'],
  ['*CostHarvesting', 'AML.T0034', 'Cost Harvesting'],
  ['*PromptInjection*', 'AML.T0051', 'LLM Prompt Injection'],
  // Custom Detection Rules are named by their technique.
  ['*/AccountManipulation', 'T1098', 'Account Manipulation'],
  ['*/BootOrLogonInitializationScripts', 'T1037', 'Boot or Logon Initialization Scripts'],
  ['*/CommandAndScriptingInterpreter', 'T1059', 'Command and Scripting Interpreter'],
  ['*/CompromiseAccounts', 'T1586', 'Compromise Accounts'],
  ['*/DataDestruction', 'T1485', 'Data Destruction'],
  ['*/DisableOrModifyTools', 'T1685', 'Disable or Modify Tools'],
  ['*/ExploitPublicFacingApplication', 'T1190', 'Exploit Public-Facing Application'],
  ['*/ExternalRemoteServices', 'T1133', 'External Remote Services'],
  ['*/ModifyAuthenticationProcess', 'T1556', 'Modify Authentication Process'],
  ['*/ModifyCloudResourceHierarchy', 'T1666', 'Modify Cloud Resource Hierarchy'],
  ['*/RemoteServices', 'T1021', 'Remote Services'],
  ['*/ResourceHijacking', 'T1496', 'Resource Hijacking'],
  ['*/TransferDataToCloudAccount', 'T1537', 'Transfer Data to Cloud Account'],
  ['*/UnsecuredCredentials', 'T1552', 'Unsecured Credentials'],
  ['*/ValidAccounts', 'T1078', 'Valid Accounts'],
];
const NAMED = TECHNIQUES.map(([glob, id, name]) => ({ fits: compileGlobs([glob]), id, name }));

const tacticOf = (finding: Finding): Named | undefined =>
  TACTICS.get(IMPAIRS(finding.type) ? 'DefenseImpairment' : finding.purpose);

/** Tactics before techniques; empty where neither the type nor the finding names one. */
export function attackOf(finding: Finding): readonly AttackMapping[] {
  const tactic = tacticOf(finding);
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
  const url = pageOf(kind, id);
  return { kind, id, name, ...(url === undefined ? {} : { url }) };
}
const ID = /^T[A]?\d{4}(\.\d{3})?$/;
const ATLAS_ID = /^AML\.T\d{4}(\.\d{3})?$/;

function pageOf(kind: AttackMapping['kind'], id: string): string | undefined {
  if (ATLAS_ID.test(id)) return `https://atlas.mitre.org/techniques/${id}`;
  if (!ID.test(id)) return undefined;
  return `https://attack.mitre.org/${kind}s/${id.replace('.', '/')}/`;
}

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
    // A sequence of another shape does not name a technique; it is reported all the same.
    if (isFirebreakError(error, 'FindingInvalid')) return [];
    throw error;
  }
}
