/** What policy.yml says of secrets, by name: the same in every account. */
import { z } from 'zod';

const DATABASE = '[A-Za-z][A-Za-z0-9-]{0,62}';
const SECRET = '[A-Za-z0-9/_+=.@-]{1,500}';
/** Secrets that Firebreak may have the Data API use; IAM limits the right to these names. */
export const SESSION_SECRETS = 'firebreak/';

const ROTATED = new RegExp(`^(?<user>.{1,63})@(?<database>${DATABASE}) = (?<secret>${SECRET})$`);
const LOGIN = new RegExp(`^(?<database>${DATABASE}) = (?<secret>${SESSION_SECRETS}${SECRET})$`);

export const settings = z.strictObject({
  rotate: z
    .array(z.string().regex(ROTATED, 'USER@DATABASE = SECRET, such as app@orders = orders/app'))
    .default([])
    .describe(
      'Secrets with a rotation function that hold the password of a database user: `app@orders = orders/app`. The password of a master user that RDS manages needs no entry.',
    ),
  sessions: z
    .array(z.string().regex(LOGIN, 'DATABASE = firebreak/NAME, such as orders = firebreak/orders'))
    .default([])
    .describe(
      'Logins of Aurora clusters with the Data API, in secrets named firebreak/…, by which sessions of other users are ended: `orders = firebreak/orders`.',
    ),
});

interface Login {
  readonly database: string;
  readonly secret: string;
}
export interface Settings {
  readonly rotate: readonly (Login & { readonly user: string })[];
  readonly sessions: readonly Login[];
}

/** Settings as they are deployed; with a mistake in them none counts, and the plan says that no secret is named. */
export function settingsOf(given: unknown): Settings {
  const { rotate, sessions } = settings.safeParse(given ?? {}).data ?? { rotate: [], sessions: [] };
  const parts = (form: RegExp, text: string) => {
    const { user = '', database = '', secret = '' } = form.exec(text)?.groups ?? {};
    return { user, database, secret };
  };
  return {
    rotate: rotate.map((one) => parts(ROTATED, one)),
    sessions: sessions.map((one) => parts(LOGIN, one)),
  };
}
