/** What a value that does not fit the schema of policy.yml is described by: where, what is expected, and what was probably meant. */
import type { z } from 'zod';
import { isJsonObject, type JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';

export interface Mistake {
  /** Where it is; of an unknown key the key itself. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Path = readonly PropertyKey[];
type Leaf = Exclude<z.core.$ZodIssue, { code: 'invalid_union' }>;

/** Returns every mistake. `shape` is the JSON schema of what was expected, `valueAt` what the author wrote. */
export function mistakesOf(
  error: z.core.$ZodError,
  shape: JsonObject,
  valueAt: (path: Path) => unknown,
): readonly Mistake[] {
  return error.issues.flatMap(leavesOf).flatMap((issue): readonly Mistake[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(shape, issue.path);
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: `unknown key "${key}"${suggestion(key, known, allKeys(shape))}`,
      }));
    }
    const where = issue.path.join('.') || 'policy';
    if (issue.code === 'invalid_key') {
      const key = String(issue.path.at(-1));
      const known = issue.issues.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []));
      return [{ path: issue.path, message: `unknown key "${key}"${suggestion(key, known.map(String), [])}` }];
    }
    const value = valueAt(issue.path);
    if (value === undefined) return [{ path: issue.path, message: `${where}: missing` }];
    if (issue.code === 'invalid_value') {
      const known = issue.values.map(String);
      const said =
        typeof value === 'string' || typeof value === 'number' ? `"${value}" is not allowed, ` : '';
      const expected = known.length > MANY ? '' : `expected ${known.join(', ')}`;
      const meant = suggestion(String(value), known, []);
      return [{ path: issue.path, message: `${where}: ${said}${expected || 'not known'}${meant}` }];
    }
    return [{ path: issue.path, message: `${where}: ${issue.message}` }];
  });
}

/** More values than one reads in a line; the nearest is enough. */
const MANY = 8;

/** The issues of the branch that the author meant: of the right kind first, then the one that got furthest. */
function leavesOf(issue: z.core.$ZodIssue): readonly Leaf[] {
  if (issue.code !== 'invalid_union') return [issue];
  const branches = issue.errors.map((errors) =>
    errors.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })).flatMap(leavesOf),
  );
  const otherKind = (leaves: readonly Leaf[]) => leaves.filter(({ code }) => code === 'invalid_type').length;
  const depth = (leaves: readonly Leaf[]) => Math.max(...leaves.map(({ path }) => path.length));
  const [meant = [], ...others] = branches.toSorted(
    (a, b) => otherKind(a) - otherKind(b) || depth(b) - depth(a),
  );
  const [first] = meant;
  if (meant.length !== 1 || first?.code !== 'invalid_value') return meant;
  // Two words or two numbers to choose from are one list.
  const alike = others.flatMap((leaves) => {
    const [leaf] = leaves;
    return leaves.length === 1 && leaf?.code === 'invalid_value' && leaf.path.length === first.path.length
      ? leaf.values
      : [];
  });
  return [{ ...first, values: [...new Set([...first.values, ...alike])] }];
}

function suggestion(word: string, here: readonly string[], elsewhere: readonly string[]): string {
  const best = nearest(word, here) ?? nearest(word, elsewhere);
  return best === undefined ? '' : ` (did you mean "${best}"?)`;
}

/** Keys that the schema knows at a path, of every branch. */
function keysAt(shape: JsonObject, path: Path): readonly string[] {
  let nodes: readonly JsonObject[] = [shape];
  for (const key of path) nodes = nodes.flatMap(branches).flatMap((node) => inside(node, key));
  return [...new Set(nodes.flatMap(branches).flatMap((node) => Object.keys(objectAt(node, 'properties'))))];
}

const objectAt = (node: JsonObject, key: string): JsonObject => {
  const value = node[key];
  return isJsonObject(value) ? value : {};
};

function branches(node: JsonObject): readonly JsonObject[] {
  const { anyOf } = node;
  return Array.isArray(anyOf) ? anyOf.filter(isJsonObject).flatMap(branches) : [node];
}

const inside = (node: JsonObject, key: PropertyKey): readonly JsonObject[] =>
  [
    typeof key === 'number' ? node['items'] : objectAt(node, 'properties')[String(key)],
    node['additionalProperties'],
  ].filter(isJsonObject);

/** Every key anywhere: one that stands at the wrong level is named as well. */
function allKeys(node: JsonObject): readonly string[] {
  const properties = objectAt(node, 'properties');
  const below = [node['items'], node['additionalProperties'], node['anyOf'], ...Object.values(properties)]
    .flat()
    .filter(isJsonObject);
  return [...Object.keys(properties), ...below.flatMap(allKeys)];
}
