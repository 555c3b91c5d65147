/** What is said to the table, without the SDK that says it: to decide about a finding needs only these. */

/** A DynamoDB condition or update, as the API spells its parts. `names` and `values` come without `#` and `:`. */
export interface Expression {
  readonly text: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
}

export const ABSENT: Expression = { text: 'attribute_not_exists(pk)' };

/** Items that one transaction takes. */
export const MOST_TOGETHER = 100;

/** The partition of `gsi1` that holds what people write themselves (core/approval/door.ts). */
export const DOOR_INDEX = 'DOOR';
