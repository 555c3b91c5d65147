/** The statement is run by a real engine of SQL over records with hostile names: it finds what was asked for and nothing else. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from '../../../test/hostile.ts';
import { awsFor } from '../client.ts';
import { lakeQueries } from './lake.ts';
import { type CallsAbout, type CallsBy, quoted, runOf, statementOf } from './statement.ts';
import { trailQueries } from './trail.ts';

const ACCOUNT = '111122223333';
const STORE = `arn:aws:cloudtrail:eu-west-1:${ACCOUNT}:eventdatastore/11111111-2222-3333-4444-555555555555`;
const aws = awsFor({ partition: 'aws', account: ACCOUNT, region: 'eu-west-1' });
const { dialect } = lakeQueries(aws, STORE);
const between = { account: ACCOUNT, from: new Date('2026-01-01'), to: new Date('2026-12-01') };
const ask = (of: CallsAbout | CallsBy) => statementOf({ ...between, of }, dialect);
const aboutNamed = (texts: readonly string[]): CallsAbout => ({
  ...{ regions: ['us-east-1'], sources: ['iam.amazonaws.com'], names: ['PutUserPolicy'], texts },
});

/** Returns the ids of what the engine finds. Columns of structures have a name of their own there. */
function found(statement: string, names: readonly string[]): readonly number[] {
  const database = new DatabaseSync(':memory:');
  database.function('strpos', (text, part) => String(text).indexOf(String(part)) + 1);
  database.exec(`CREATE TABLE events (id, eventJson, eventTime, eventCategory, recipientAccountId, awsRegion,
    eventSource, eventName, errorCode, readOnly, byKey, byId)`);
  const put = database.prepare(
    `INSERT INTO events VALUES (?, ?, '2026-06-01 00:00:00', 'Management', '${ACCOUNT}', 'us-east-1',
      'iam.amazonaws.com', 'PutUserPolicy', NULL, 0, ?, ?)`,
  );
  names.forEach((name, id) => {
    put.run(id, JSON.stringify({ requestParameters: { userName: name } }), name, name);
  });
  const here = statement
    .replace('SELECT eventJson', 'SELECT id')
    .replace(/FROM \S+/, 'FROM events')
    .replaceAll('userIdentity.accessKeyId', 'byKey')
    .replaceAll('userIdentity.principalId', 'byId');
  const rows = database.prepare(here).all();
  database.close();
  return rows.map((row) => Number(row['id']));
}

const anyName = fc.oneof(
  text,
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    "x' OR '1'='1",
    "';--",
    'a"b',
    "\\' OR 1=1 --",
    '%',
    '_',
    "abc'",
    'naïve-role',
    '\u0000abc',
  ),
);

describe('a name of the attacker in a query', () => {
  it('finds every record that holds it, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 1, maxLength: 5 }), (names) => {
        expect(found(ask(aboutNamed(names)), names)).toHaveLength(names.length);
      }),
    );
  });

  it('does not widen the query: nothing of the other account, Region or call is found', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const other = statementOf({ ...between, account: '444455556666', of: aboutNamed([name]) }, dialect);
        expect(found(other, [name, 'app'])).toEqual([]);
        const elsewhere = ask({ ...aboutNamed([name]), names: ['DeleteUser'] });
        expect(found(elsewhere, [name, 'app'])).toEqual([]);
      }),
    );
  });

  it('leaves no text of its own but letters, digits, point, dash and underscore', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(runOf(name) ?? 'abc').toMatch(/^[\w.-]{3,128}$/);
      }),
    );
  });

  it('stays within the 10,000 characters of a statement of CloudTrail Lake, with 25 long names', () => {
    const texts = Array.from({ length: 25 }, (_, index) => `${index}${'a'.repeat(2000)}`);
    const names = Array.from({ length: 60 }, (_, index) => `SomeRatherLongNameOfACall${index}`);
    expect(ask({ ...aboutNamed(texts), names }).length).toBeLessThan(10_000);
  });
});

describe('a key or principal in a query', () => {
  it('finds the calls of exactly that one', () => {
    const names = ['AROAAPP000000001:a=b,c@d.e-f', 'AROAAPP000000001:ab', 'AKIAEXAMPLE000000666'];
    const by = { keys: ['AKIAEXAMPLE000000666'], principalIds: ['AROAAPP000000001:a=b,c@d.e-f'] };
    expect(found(ask(by), names)).toEqual([0, 2]);
  });

  it('is refused where it could end the value', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        if (/^[\w+=,.@:/-]{1,256}$/.test(name)) expect(quoted(name)).toBe(`'${name}'`);
        else expect(() => ask({ keys: [name], principalIds: [] })).toThrow('does not fit into a query');
      }),
    );
  });
});

describe('a trail in S3', () => {
  const table = `arn:aws:glue:eu-west-1:${ACCOUNT}:table/logs/cloudtrail`;
  const { dialect: ofTrail } = trailQueries(aws, table, 'firebreak');

  it('is read in the partitions of the account, the Regions and the days alone', () => {
    expect(statementOf({ ...between, of: aboutNamed(['app']) }, ofTrail)).toMatch(
      / FROM "logs"\."cloudtrail" WHERE account = '111122223333' AND region IN \('us-east-1'\) AND day >= '2026\/01\/01' AND day <= '2026\/12\/01' AND /,
    );
  });

  it('is read for a day longer where files of the last minutes are delivered after midnight', () => {
    const late = { ...between, to: new Date('2026-11-30T23:50:00Z'), of: aboutNamed(['app']) };
    expect(statementOf(late, ofTrail)).toContain("day <= '2026/12/01'");
  });
});
