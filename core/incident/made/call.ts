/** What a call is, and how its record is read into an entry of the list. */
import type { Scope } from '../../aws/arn.ts';
import { awsCommand, type Option } from '../../aws/command-line.ts';
import type { Json } from '../../json.ts';
import { membersNamed, type TrailRecord, textNamed, textsNamed } from './record.ts';

/** What a way back gives, the most first: the list begins with it, and a list that is too long is cut at its end. */
export const GIVES = ['access', 'rights', 'code', 'sharing', 'session'] as const;
type Gives = (typeof GIVES)[number];

/** A way back as one record tells it. */
export interface WayBack {
  readonly what: string;
  readonly action: string;
  readonly command: string | undefined;
}

export interface Call {
  /** The first part of the event's source: `iam`, `lambda`. */
  readonly source: string;
  /** Names of the event, as CloudTrail writes them. */
  readonly names: readonly string[];
  readonly gives: Gives;
  /** What it gives has the identity of the caller: a deny of that identity holds it as well. */
  readonly keepsIdentity?: true;
  /** Returns undefined where the call grants nothing: the removal of a grant, another attribute. */
  readonly read: (event: EventReader) => WayBack | undefined;
}

/** Reads one record. A text that does not fit its pattern is as good as missing. */
export interface EventReader {
  readonly record: TrailRecord;
  readonly scope: Scope;
  /** The name in the answer, or else in the request. */
  text(name: string, pattern: RegExp): string | undefined;
  texts(name: string, pattern: RegExp): readonly string[];
  /** In the request alone. */
  asked(name: string, pattern: RegExp): string | undefined;
  /** A command for a service with Regions, in the Region of the call. */
  regional(operation: `${string} ${string}`, options: Readonly<Record<string, Option>>): string | undefined;
}

export function eventReader(record: TrailRecord, account: Scope): EventReader {
  const { requestParameters: request, responseElements: response, awsRegion: region } = record;
  const parts: readonly (Json | undefined)[] = [response ?? undefined, request ?? undefined];
  return {
    record,
    scope: { ...account, region },
    text: (name, pattern) =>
      parts.map((part) => textNamed(part, name, pattern)).find((found) => found !== undefined),
    texts: (name, pattern) => [...new Set(parts.flatMap((part) => textsNamed(part, name, pattern)))],
    asked: (name, pattern) => textNamed(request ?? undefined, name, pattern),
    regional: (operation, options) => awsCommand(operation, { region, ...options }),
  };
}

/** Names of IAM, of roles, users, groups, policies and profiles. */
export const IAM_NAME = /^[\w+=,.@-]{1,128}$/;
export const ACCESS_KEY = /^A[A-Z0-9]{15,127}$/;
export const ACCOUNT = /^\d{12}$/;
/** An ARN of characters that no shell, page or message reads as anything else. */
export const ANY_ARN = /^arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws)?:[\w+=,.@:/*-]{1,900}$/;
/** Ids and names of services: letters, digits and what joins them. */
export const ID = /^[\w./:=+@-]{1,300}$/;

/** Shown where the record holds no name that can be read. */
export const named = (text: string | undefined): string =>
  text ?? '(its name cannot be read: see CloudTrail)';

/** Principals of other accounts, or everyone, to whom a policy document in the request allows something. */
export function grantees({ record, scope }: EventReader, ...members: readonly string[]): string {
  const documents = members.flatMap((name) => membersNamed(record.requestParameters ?? undefined, name));
  const text = documents.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' ');
  const accounts = new Set([...text.matchAll(/(?<!\d)\d{12}(?!\d)/g)].map(([id]) => id));
  accounts.delete(scope.account);
  const everyone = /"(AWS|Principal)":\s*(\[\s*)?"\*"/.test(text) ? ['everyone'] : [];
  const all = [...everyone, ...[...accounts].slice(0, 5)];
  return all.length > 0 ? `, naming ${all.join(', ')}` : '';
}
