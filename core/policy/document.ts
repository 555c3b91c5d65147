/** The text of policy.yml -> what it says, or each mistake with its line and column. */
import { isNode, LineCounter, parseDocument as parseYaml } from 'yaml';
import { z } from 'zod';
import { FirebreakError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import { mistakesOf } from './mistakes.ts';
import { type KnownPlaybooks, type PolicyDocument, policySchema, policySchemaWith } from './schema.ts';

/**
 * Returns what the text says. Throws PolicyInvalid with line and column of everything that is wrong. With `known`, ids and
 * settings of playbooks are checked too; the deployed pipeline leaves a mistake there to the playbook, which then asks.
 */
export function parseDocument(text: string, file: string, known?: KnownPlaybooks): PolicyDocument {
  const lines = new LineCounter();
  const yaml = parseYaml(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems = yaml.errors.map((error) => `${at(error.pos[0])}: ${error.message}`);
  if (problems.length === 0) {
    const given: unknown = yaml.toJS();
    const schema = known ? policySchemaWith(known) : policySchema;
    const parsed = policySchema.safeParse(given);
    const judged = known ? schema.safeParse(given) : parsed;
    if (judged.success && parsed.success) return parsed.data;
    const error = judged.error ?? parsed.error;
    const shape: unknown = z.toJSONSchema(schema, { io: 'input' });
    const mistakes =
      error && isJsonObject(shape) ? mistakesOf(error, shape, (path) => valueAt(given, path)) : [];
    problems.push(...mistakes.map(({ path, message }) => `${position(path)}: ${message}`));
  }
  throw new FirebreakError('PolicyInvalid', problems.join('\n'), {
    resource: file,
    next: 'Correct the lines named; policy.schema.json shows editors what is allowed.',
    lines: problems,
  });

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

const valueAt = (given: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, key)?.value
        : undefined,
    given,
  );
