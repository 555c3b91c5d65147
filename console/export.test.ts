import { describe, expect, it } from 'vitest';
import { HOSTILE, review } from '../test/fake-source.ts';
import { incidentJson, postMortem } from './export.ts';

const INVISIBLE = /[\p{Cf}\u2028\u2029]|[^\P{Cc}\n]/u;

describe('the post-mortem', () => {
  const text = postMortem(review);

  it('tells what happened, what was changed and what remains', () => {
    for (const heading of ['Timeline', 'What was changed', 'Proof', 'What remains at risk', 'AWS calls'])
      expect(text).toContain(`## ${heading}`);
    expect(text).toContain('GuardDuty saw the activity for the first time');
    expect(text).toContain('EC2:ModifyNetworkInterfaceAttribute');
    expect(text).toContain('request-1');
  });

  it('has its summary filled, and names as they can be copied', () => {
    const finding = {
      ...review,
      incident: { ...review.incident, display: 'arn:aws:iam::111122223333:user/ci_deploy-2' },
    };
    const summary = /## Summary\n([\s\S]*?)\n## /.exec(postMortem(finding))?.[1] ?? '';
    for (const title of ['What happened', 'What Firebreak did', 'What remains', 'What to do next'])
      expect(summary).toContain(`**${title}.**`);
    expect(summary).toContain('on user ci_deploy-2 in account 111122223333');
  });

  it('has no character of an attacker that is markup, a link, a table or a formula, or cannot be seen', () => {
    expect(text).not.toMatch(INVISIBLE);
    const outside = text.replace(/^(`{3,})(?:diff|sh|text)\n[\s\S]*?^\1$/gm, '');
    expect(outside).not.toMatch(/<script|[^\\]\]\(|!\[/);
    for (const line of outside.split('\n')) {
      for (const cell of line.split(/(?<!\\)\|/)) expect(cell.trim()).not.toMatch(/^[=@]/);
      // Tables keep their columns.
      if (line.startsWith('| 2026')) expect(line.split(/(?<!\\)\|/).length).toBeGreaterThan(4);
    }
  });

  it('closes its fences itself', () => {
    const step = review.steps[0];
    if (!step) throw new Error('no step');
    const tricky = postMortem({ ...review, steps: [{ ...step, after: '```\n# out\n````' }] });
    expect(tricky).toMatch(/^`{5,}diff$/m);
  });
});

describe('the JSON', () => {
  it('is the incident as it is, every invisible character escaped, and no id by which someone decides', () => {
    const text = incidentJson(review);
    expect(text).not.toMatch(INVISIBLE);
    expect(text).not.toContain('d'.repeat(32));
    const parsed = JSON.parse(text) as { incident: { display: string }; calls: unknown[] };
    expect(parsed.incident.display).toBe(HOSTILE);
    expect(parsed.calls).toHaveLength(1);
  });
});
