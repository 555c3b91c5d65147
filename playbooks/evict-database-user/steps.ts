/** The step kinds: the password rotated, TLS required, the sessions ended. */
import { z } from 'zod';
import type { StepContext } from '../../core/journal/playbook.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import { available } from '../common/rds/available.ts';
import { describeDatabase } from '../common/rds/database.ts';
import { databaseUserFacts } from '../common/rds/user-target.ts';
import { stepKind } from '../common/step-kind.ts';
import {
  currentVersion,
  labelsOf,
  rotation,
  rotationOf,
  startRotation,
  versionFor,
  whileRotating,
} from './secret.ts';
import { endSessions, loginOf, sessionsOf } from './sessions.ts';
import { settingsOf } from './settings.ts';
import { placeOf, readParameter, requirementOf, writeParameter } from './tls.ts';

const rotateArgs = rotation.extend({ id: z.string(), cluster: z.boolean() });

const live = ({ aws, target }: StepContext) =>
  describeDatabase(aws, { id: target.id, cluster: databaseUserFacts.parse(target.facts).cluster });

/** `same`: the version that the plan saw is the current one. A record's version can only keep a rotation from being made. */
const rotatePassword = stepKind(rotateArgs, {
  value: z.enum(['same', 'rotated']),
  async foreign({ id, cluster, how, secret }, context, writing) {
    const { aws, target, settings } = context;
    const facts = databaseUserFacts.parse(target.facts);
    if (id !== target.id || cluster !== facts.cluster) return `the database is ${target.id}, not ${id}`;
    if (writing === 'revert') return undefined;
    const known = await rotationOf(aws, facts, await live(context), target.id, settingsOf(settings));
    // One of ours may be under way.
    if ('why' in known) return /AWSPENDING/.test(known.why) ? undefined : known.why;
    return known.how === how && known.secret === secret
      ? undefined
      : `the password is in ${known.secret}, not in ${secret}`;
  },
  read: async ({ secret, version }, { aws }) => ({
    value: (await currentVersion(aws, secret)) === version ? 'same' : 'rotated',
  }),
  after: () => 'rotated',
  async apply({ id, cluster, how, secret, version }, { aws, caseId }) {
    if (how === 'managed') await available(aws, { id, cluster });
    const { current, pending } = await labelsOf(aws, secret);
    if (current === version && pending === undefined) {
      if (how === 'function') await startRotation(aws, secret, versionFor(caseId, secret));
      else await rotateManaged({ aws }, id, cluster);
    }
    await whileRotating(aws, { how, secret, version });
    return undefined;
  },
  revert: async () => ({
    kept: 'a rotated password does not come back: clients read the new one from the secret',
  }),
});

async function rotateManaged({ aws }: Pick<StepContext, 'aws'>, id: string, cluster: boolean): Promise<void> {
  const { client, api } = await aws.rds();
  const change = { RotateMasterUserPassword: true, ApplyImmediately: true };
  if (cluster) await client.send(new api.ModifyDBClusterCommand({ DBClusterIdentifier: id, ...change }));
  else await client.send(new api.ModifyDBInstanceCommand({ DBInstanceIdentifier: id, ...change }));
}

const tlsArgs = z.object({ group: z.string(), cluster: z.boolean(), parameter: z.string() });

const requireTls = stepKind(tlsArgs, {
  value: z.enum(['0', '1', 'OFF', 'ON']).nullable(),
  async foreign({ group, cluster, parameter }, context, writing) {
    const { aws, target } = context;
    const facts = databaseUserFacts.parse(target.facts);
    if (cluster !== facts.cluster) return `the database is ${target.id}`;
    const found = await live(context);
    // Undo restores the group also where another database has it by now.
    const known =
      writing === 'apply' ? await requirementOf(aws, { id: target.id, facts }, found) : placeOf(found);
    if ('why' in known) return known.why;
    return known.group === group && known.parameter === parameter
      ? undefined
      : `TLS is required by ${known.parameter} in ${known.group}, not by ${parameter} in ${group}`;
  },
  async read(args, { aws }) {
    return { value: (await readParameter(aws, args))?.set ?? null };
  },
  async after(args, { aws }) {
    return (await readParameter(aws, args))?.on ?? null;
  },
  async apply(args, { aws }) {
    const on = (await readParameter(aws, args))?.on;
    if (on !== undefined) await writeParameter(aws, args, on);
    return undefined;
  },
  async revert(args, { aws }, before) {
    await writeParameter(aws, args, before);
    return 'reverted';
  },
});

/** The login is policy's: whatever a record says, no other secret is used. */
async function whereOf(context: StepContext) {
  const { aws, target, settings } = context;
  const { user } = databaseUserFacts.parse(target.facts);
  const { arn: cluster, engine, dataApi } = await live(context);
  const known = await loginOf(aws, user, { engine, dataApi }, target.id, settingsOf(settings));
  return 'why' in known ? known : { user, cluster, engine, secret: known.secret };
}

/** Whether a login is open on the writer now. The output says what was seen, and when. */
const endUserSessions = stepKind(z.object({ cluster: z.string() }), {
  value: z.enum(['open', 'ended', 'unread']),
  async foreign({ cluster }, context, writing) {
    if (cluster !== context.target.id) return `the cluster is ${context.target.id}, not ${cluster}`;
    if (writing === 'revert') return undefined;
    const where = await whereOf(context);
    return 'why' in where ? where.why : undefined;
  },
  async read(_args, context) {
    const where = await whereOf(context);
    if ('why' in where) return { value: 'unread' };
    try {
      const open = await sessionsOf(context.aws, where, where.user);
      return { value: open.length === 0 ? 'ended' : 'open', output: seen(context, 0, open.length) };
    } catch (error) {
      // What fails here fails in `apply` as well, which says so. Undo has nothing to restore, and no use for it.
      return { value: 'unread', output: awsReason(error) };
    }
  },
  after: () => 'ended',
  // Not read is not done: it is tried again. Undo takes it for what we left, and leaves it.
  between: () => ['unread'],
  async apply(_args, context) {
    const where = await whereOf(context);
    if ('why' in where) return null;
    const ended = await endSessions(context.aws, where, where.user);
    return seen(context, ended, (await sessionsOf(context.aws, where, where.user)).length);
  },
  revert: async () => ({
    kept: 'a session that ended is not opened again: clients connect again on their own',
  }),
});

const seen = ({ now }: StepContext, ended: number, open: number) => ({
  ended,
  open,
  at: now().toISOString(),
});

export const KINDS = {
  'rotate-password': rotatePassword,
  'require-tls': requireTls,
  'end-sessions': endUserSessions,
};
