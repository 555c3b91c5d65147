/**
 * One binding without the identity. A binding that names no one else is deleted; otherwise the identity's subjects are taken
 * out of it. The value is the identity's share of the binding, so that two identities of one binding do not disturb each
 * other; the whole binding is kept with it, to be restored as it was.
 */
import { z } from 'zod';
import type { Kubernetes } from '../../core/aws/kubernetes.ts';
import { FirebreakError, isFirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { type Json, sameJson, toJson } from '../../core/json.ts';
import { bindingRef, identityFacts } from '../common/kubernetes/identity-target.ts';
import { changedMeanwhile, withVersion } from '../common/kubernetes/kubernetes.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import {
  type AnyBinding,
  bindingName,
  deleteBinding,
  manifestOf,
  manifestSchema,
  namesIdentity,
  readBinding,
  type Subject,
  subjectSchema,
  writeBinding,
} from './bindings.ts';

/** What the binding grants, in the words of a SubjectAccessReview: the proving read asks for these. */
export const rightSchema = z.object({
  verb: z.string(),
  group: z.exactOptional(z.string()),
  resource: z.exactOptional(z.string()),
  subresource: z.exactOptional(z.string()),
  namespace: z.exactOptional(z.string()),
  name: z.exactOptional(z.string()),
  path: z.exactOptional(z.string()),
});
export type Right = z.infer<typeof rightSchema>;

const bindingArgs = z.object({
  cluster: z.string(),
  binding: bindingRef,
  /** Subjects that are the identity. */
  subjects: z.array(subjectSchema),
  rights: z.array(rightSchema),
});
type BindingArgs = z.infer<typeof bindingArgs>;

const captured = z.object({
  /** The identity's subjects with their places in the list. */
  named: z.array(z.object({ index: z.number(), subject: subjectSchema })),
  roleRef: manifestSchema.shape.roleRef,
  manifest: manifestSchema,
});
type Captured = z.infer<typeof captured>;

/** Why the step is not about the incident's identity. */
function foreign({ cluster, subjects, binding }: BindingArgs, { target }: StepContext): string | undefined {
  const facts = identityFacts.parse(target.facts);
  if (cluster !== facts.cluster) return `the cluster is ${facts.cluster}, not ${cluster}`;
  if (facts.kind !== 'service-account' && facts.kind !== 'anonymous' && facts.kind !== 'binding')
    return `the identity is a ${facts.kind}, which no binding is taken from`;
  if (facts.kind === 'binding' && !sameJson(binding, facts.binding))
    return `the binding is ${bindingName(facts.binding)}, not ${bindingName(binding)}`;
  const other = subjects.find((subject) => !namesIdentity(facts, subject));
  return other && `${other.kind} ${other.name} is not the identity`;
}

const isOneOf = (subjects: readonly Subject[], { kind, name, namespace }: Subject): boolean =>
  subjects.some((one) => one.kind === kind && one.name === name && one.namespace === namespace);

/** Null: the binding is not there, or does not name the identity. */
function shareOf(live: AnyBinding | undefined, { binding, subjects }: BindingArgs): Json {
  const named = (live?.subjects ?? []).flatMap((subject, index) =>
    isOneOf(subjects, subject) ? [{ index, subject: { ...subject } }] : [],
  );
  if (!live || named.length === 0) return null;
  const manifest = manifestOf(live, binding);
  return toJson({ named, roleRef: live.roleRef, manifest });
}

/** The same identity with the same role; who else the binding names is not ours to judge. */
function sameShare(one: Captured | null, other: Captured | null): boolean {
  if (one === null || other === null) return one === other;
  const subjects = ({ named }: typeof one) => named.map(({ subject }) => subject);
  return sameJson(toJson(subjects(one)), toJson(subjects(other))) && sameJson(one.roleRef, other.roleRef);
}

async function remove(cluster: Kubernetes, args: BindingArgs, before: Captured | null): Promise<void> {
  const live = await readBinding(cluster, args.binding);
  const share = shareOf(live, args);
  if (!live || share === null) return;
  if (!sameShare(captured.parse(share), before))
    throw changedMeanwhile(bindingName(args.binding), cluster.cluster);
  const rest = (live.subjects ?? []).filter((subject) => !isOneOf(args.subjects, subject));
  if (rest.length === 0) await deleteBinding(cluster, args.binding, live);
  else await writeBinding(cluster, args.binding, Object.assign(live, { subjects: rest }), 'replace');
}

/**
 * The binding of the identity alone, as it can be made again. Subjects and name are those of the arguments; role, labels and
 * annotations are what the journal keeps, and a second person sees the role before (`undoSafety`).
 */
function alone({ binding: { kind } }: BindingArgs, { named, roleRef, manifest }: Captured): AnyBinding {
  return { ...manifest, kind, roleRef, subjects: named.map(({ subject }) => subject) };
}

async function putBack(
  cluster: Kubernetes,
  args: BindingArgs,
  before: Captured,
  after: Captured | null,
): Promise<void> {
  const { named, roleRef, manifest } = before;
  const other = named.find(({ subject }) => !isOneOf(args.subjects, subject));
  if (other)
    throw damaged(
      `${other.subject.kind} ${other.subject.name} is not the identity`,
      bindingName(args.binding),
    );
  if (
    manifest.metadata.name !== args.binding.name ||
    (manifest.metadata.namespace ?? null) !== args.binding.namespace
  )
    throw damaged(`it was ${manifest.metadata.name} before`, bindingName(args.binding));
  const wasAlone = named.length === manifest.subjects.length;
  const live = await readBinding(cluster, args.binding);
  if (!live) {
    // Firebreak left it to the others it named, so someone else took it away.
    if (!wasAlone) throw changedMeanwhile(`${bindingName(args.binding)}, which is gone,`, cluster.cluster);
    return writeBinding(cluster, args.binding, alone(args, before), 'create');
  }
  if (!sameJson(toJson(live.roleRef), roleRef)) {
    // Who else a record says it named is not written.
    if (after === null || !wasAlone || !sameShare(sharedBy(live, args), after))
      throw changedMeanwhile(`${bindingName(args.binding)}, which grants another role now,`, cluster.cluster);
    // The role of a binding cannot be changed: the other binding of that name has to go, as people agreed.
    await deleteBinding(cluster, args.binding, live);
    return writeBinding(cluster, args.binding, alone(args, before), 'create');
  }
  const subjects = [...(live.subjects ?? [])];
  for (const { index, subject } of named) {
    if (!isOneOf(subjects, subject)) subjects.splice(index, 0, subject);
  }
  await writeBinding(cluster, args.binding, Object.assign(live, { subjects }), 'replace');
}

const sharedBy = (live: AnyBinding, args: BindingArgs): Captured | null =>
  captured.nullable().parse(shareOf(live, args));

export const bindingKind = stepKind(bindingArgs, {
  value: captured.nullable(),
  foreign,
  async read(args, { aws }) {
    return { value: shareOf(await readBinding(await aws.kubernetes(args.cluster), args.binding), args) };
  },
  after: () => null,
  async apply(args, { aws }, before) {
    const cluster = await aws.kubernetes(args.cluster);
    await withVersion(() => remove(cluster, args, before));
    return undefined;
  },
  async revert(args, { aws }, before, after) {
    if (before === null) return { kept: `${bindingName(args.binding)} did not name it before` };
    const cluster = await aws.kubernetes(args.cluster);
    try {
      await withVersion(() => putBack(cluster, args, before, after));
      return 'reverted';
    } catch (error) {
      if (!isFirebreakError(error, 'AccessDenied')) throw error;
      throw cannotRestore(
        error instanceof FirebreakError ? error.message : 'the cluster refuses to write the binding',
        bindingName(args.binding),
        'Give the role of undo the group firebreak-binder (docs/kubernetes.md) and press Undo again, or apply the binding that the journal keeps.',
        error,
      );
    }
  },
  same: sameShare,
});
