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

  it('names the rule and the sequence that the finding belongs to', () => {
    expect(
      words({ customDetectionRuleName: 'VPCFlowLogsDeleted', associatedAttackSequenceArn: 'arn:x' }),
    ).toEqual(['Custom Detection Rule: VPCFlowLogsDeleted', 'Attack sequence: arn:x']);
  });

  it('leaves out what has a shape that nobody expects, and keeps the rest', () => {
    const detail: JsonObject = {
      customDetectionRuleName: 'R',
      service: { runtimeDetails: 'none' },
      resource: { modelDetails: [7], bedrockGuardrailDetails: { guardrails: 'x' } },
    };
    expect(words(detail)).toEqual(['Custom Detection Rule: R']);
  });
});
