/** What policy.yml says of secrets, by name: the same in every account. */
import { z } from 'zod';

const database = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/)
  .describe('Identifier of a cluster, or of an instance that belongs to none.');
const secretName = /^[\w/+=.@-]{1,512}$/;

/** Secrets that Firebreak may have the Data API use; IAM limits the right to these names. */
export const SESSION_SECRETS = 'firebreak/';

export const settings = z.strictObject({
  rotate: z
    .array(
      z.strictObject({ database, user: z.string().min(1).max(63), secret: z.string().regex(secretName) }),
    )
    .default([])
    .describe(
      'Secrets with a rotation function that hold the password of a database user. The password of a master user that RDS manages needs no entry.',
    ),
  sessions: z
    .array(
      z.strictObject({
        database,
        secret: z
          .string()
          .regex(secretName)
          .refine((name) => name.startsWith(SESSION_SECRETS), `begins with ${SESSION_SECRETS}`),
      }),
    )
    .default([])
    .describe(
      'Secrets of Aurora clusters with the Data API, named firebreak/…: the login by which sessions of other users are ended.',
    ),
});
export type Settings = z.infer<typeof settings>;

/** Settings as they are deployed; an empty object is all defaults. */
export const settingsOf = (given: unknown): Settings => settings.parse(given ?? {});
