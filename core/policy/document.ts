/** The text of policy.yml -> what it says, or each mistake with its line and column. */
import { isNode, LineCounter, parseDocument as parseYaml } from 'yaml';
import type { z } from 'zod';
import { FirebreakError } from '../errors.ts';
import { type PolicyDocument, policySchema } from './schema.ts';

/** Throws PolicyInvalid with line and column of everything that is wrong. */
export function parseDocument(text: string, file: string): PolicyDocument {
  const lines = new LineCounter();
  const yaml = parseYaml(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems = yaml.errors.map((error) => `${at(error.pos[0])}: ${error.message}`);
  if (problems.length === 0) {
    const parsed = policySchema.safeParse(yaml.toJS());
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) problems.push(...describeIssue(issue));
  }
  throw new FirebreakError('PolicyInvalid', problems.join('\n'), {
    resource: file,
    next: 'Mend the lines named; policy.schema.json shows editors what is allowed.',
  });

  function describeIssue(issue: z.core.$ZodIssue): readonly string[] {
    if (issue.code === 'invalid_union') {
      // The branch that got furthest is the one the author meant.
      const branches = issue.errors.map((errors) => errors.filter(({ path }) => path.length > 0));
      const depth = (errors: readonly z.core.$ZodIssue[]) =>
        Math.max(...errors.map(({ path }) => path.length));
      const [meant] = branches.filter((errors) => errors.length > 0).sort((a, b) => depth(b) - depth(a));
      if (meant)
        return meant.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }));
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(
        (key) => `${position([...issue.path, key])}: unknown key "${key}"${suggestion(key)}`,
      );
    }
    return [`${position(issue.path)}: ${issue.path.join('.') || 'policy'}: ${issue.message}`];
  }

  /** Position of the node, or of the nearest parent that exists (for a missing key). */
  function position(path: readonly PropertyKey[]): string {
    for (let length = path.length; length >= 0; length--) {
      const node = yaml.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      const key = length > 0 ? keyOffset(path.slice(0, length)) : undefined;
      return at(key ?? node.range[0]);
    }
    return `${file}:1:1`;
  }

  function keyOffset(path: readonly PropertyKey[]): number | undefined {
    const parent = yaml.getIn(path.slice(0, -1), true);
    if (typeof parent !== 'object' || parent === null || !('items' in parent)) return undefined;
    const items = parent.items as readonly { key?: { value?: unknown; range?: readonly number[] } }[];
    return items.find((pair) => pair.key?.value === path.at(-1))?.key?.range?.[0];
  }
}

const KNOWN_KEYS = [
  ...Object.keys(policySchema.shape),
  ...[
    'name',
    'match',
    'decide',
    'onExpiry',
    'timeout',
    'approvals',
    'escalateTo',
    'channel',
    'mention',
    'page',
    'why',
    'type',
    'resourceRole',
    'account',
  ],
  ...[
    'region',
    'remoteAccountAffiliated',
    'principalUnderIncident',
    'threats',
    'sample',
    'archived',
    'low',
    'medium',
    'high',
    'critical',
    'accounts',
  ],
  ...['who', 'environment', 'severity'],
  ...['arns', 'tag', 'default', 'perAccountPerHour', 'perKindPerHour'],
];

function suggestion(key: string): string {
  const best = KNOWN_KEYS.map((known) => ({
    known,
    distance: editDistance(key.toLowerCase(), known.toLowerCase()),
  })).sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= 3 ? ` (did you mean "${best.known}"?)` : '';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
