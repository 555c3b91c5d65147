import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import { indicationsIn } from './indications.ts';

const words = (detail: JsonObject) => indicationsIn(detail).map(({ name, value }) => `${name}: ${value}`);

describe('indications', () => {
  it('names the file, what was done to it, the process and who started it', () => {
    const runtimeDetails: JsonObject = {
      context: { filePath: '/etc/ld.so.preload', fileOperation: 'Write' },
      process: {
        executablePath: '/tmp/.x/sh',
        pid: 4242,
        user: 'root',
        lineage: [{ name: 'cron', executablePath: '/usr/sbin/cron' }, { name: 'sh' }],
      },
    };
    expect(words({ service: { runtimeDetails } })).toEqual([
      'File: /etc/ld.so.preload (Write)',
      'Process: /tmp/.x/sh, pid 4242, user root',
      'Started by: /usr/sbin/cron ← sh',
    ]);
  });

  it('names the models, and says whether a guardrail blocked or the model answered', () => {
    expect(words({ resource: { modelDetails: [{ modelId: 'a' }, { modelId: 'b' }] } })).toEqual([
      'Models: a, b',
    ]);
    const seen = (action: string) => ({
      resource: {
        bedrockGuardrailDetails: {
          guardrails: [{ arn: 'guardrail/g', version: '2' }],
          guardrailAction: 'GUARDRAIL_INTERVENED',
          guardrailSource: 'INPUT',
          contentPolicyFilters: [{ type: 'PROMPT_ATTACK', confidence: 'HIGH', action }],
        },
      },
    });
    expect(words(seen('BLOCKED'))).toEqual([
      'Guardrail: guardrail/g version 2',
      'Prompt attack: blocked, in the input, confidence high',
    ]);
    // An intervention may have been for another reason: this filter only looked.
    expect(words(seen('NONE'))[1]).toBe(
      'Prompt attack: only detected: the model answered, in the input, confidence high',
    );
  });

  it('names the indicators of a sequence and of its signals once each, newer ones by their key', () => {
    const sequence: JsonObject = {
      sequenceIndicators: [
        { key: 'VULNERABILITY', values: ['CVE-2026-1234'] },
        { key: 'SENSITIVE_DATA', title: 'x' },
        { key: 'FROM_THE_FUTURE', values: ['x'] },
        { key: 'constructor', values: ['y'] },
      ],
      signals: [
        { signalIndicators: [{ key: 'VULNERABILITY', values: ['CVE-2026-1234', 'CVE-2026-5678'] }] },
        { signalIndicators: [{ key: 'MALICIOUS_PACKAGE', values: ['left-pad'] }] },
        {
          signalIndicators: [
            { key: 'MALICIOUS_FILE', values: Array.from({ length: 10 }, (_, n) => `/tmp/${n}`) },
          ],
        },
        { signalIndicators: [{ key: 'REACHABILITY' }, { key: 'MISCONFIGURATION', values: ['S3.8'] }] },
      ],
    };
    expect(words({ service: { detection: { sequence } } })).toEqual([
      'Vulnerability: CVE-2026-1234, CVE-2026-5678',
      'Sensitive data: seen',
      'FROM_THE_FUTURE: x',
      'constructor: y',
      'Malicious package: left-pad',
      'Malicious file: /tmp/0, /tmp/1, /tmp/2, /tmp/3, /tmp/4, /tmp/5, /tmp/6, /tmp/7 and 2 more',
      'Reachable: seen',
      'Misconfiguration: S3.8',
    ]);
  });

  it('names the rule and the sequence that the finding belongs to', () => {
    expect(
      words({ customDetectionRuleName: 'VPCFlowLogsDeleted', associatedAttackSequenceArn: 'arn:x' }),
    ).toEqual(['Custom Detection Rule: VPCFlowLogsDeleted', 'Attack sequence: arn:x']);
  });

  it('leaves out what has a shape that no one expects, and keeps the rest', () => {
    const detail: JsonObject = {
      customDetectionRuleName: 'R',
      service: { runtimeDetails: 'none' },
      resource: { modelDetails: [7], bedrockGuardrailDetails: { guardrails: 'x' } },
    };
    expect(words(detail)).toEqual(['Custom Detection Rule: R']);
  });
});
