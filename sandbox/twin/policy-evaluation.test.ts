import { describe, expect, it } from 'vitest';
import { evaluate, type RequestContext } from './policy-evaluation.ts';

const decide = (
  statement: object,
  resource: string,
  keys: RequestContext['keys'] = {},
  action = 's3:GetObject',
): string =>
  evaluate(
    new Map([
      [
        'one',
        JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', ...statement } }),
      ],
    ]),
    { action, resource, keys },
  ).decision;
const object = (key: string) => `arn:aws:s3:::bucket/${key}`;

describe('Resource', () => {
  it.each([
    ['a?c', ['abc', 'a?c', 'a中c', 'a😀c', 'a*c'], ['ac', 'abbc']],
    ['a*c', ['ac', 'abc', 'a*c', 'a/b/c'], ['abcd']],
    [`a\${*}c`, ['a*c'], ['abc', 'ac', `a\${*}c`]],
    [`a\${?}c`, ['a?c'], ['abc', `a\${?}c`]],
    [`a\${$}c`, ['a$c'], ['abc', `a\${$}c`]],
    [`\${$}{aws:userid}`, [`\${aws:userid}`], ['AIDA1']],
    [`\${aws:userid}/x`, ['AIDA1/x'], [`\${aws:userid}/x`, '/x', 'AIDA2/x']],
    [`\${aws:PrincipalTag/team, 'none'}`, ['none'], ['', 'x']],
    [`\${aws:username}`, [], ['', `\${aws:username}`]],
    ['a.c', ['a.c'], ['abc']],
  ])('%s', (pattern, inside, outside) => {
    const keys = { 'aws:userid': 'AIDA1' };
    for (const key of inside)
      expect(decide({ Resource: object(pattern) }, object(key), keys)).toBe('allowed');
    for (const key of outside) {
      expect(decide({ Resource: object(pattern) }, object(key), keys), key).toBe('implicitDeny');
      expect(decide({ NotResource: object(pattern) }, object(key), keys), key).toBe('allowed');
    }
  });

  it('takes the value of a variable as it is, wildcards included', () => {
    const keys = { 'aws:principaltag/team': '*' };
    const statement = { Resource: object(`\${aws:PrincipalTag/team}`) };
    expect(decide(statement, object('*'), keys)).toBe('allowed');
    expect(decide(statement, object('web'), keys)).toBe('implicitDeny');
  });
});

describe('Action and Condition', () => {
  it('know ? as one character', () => {
    expect(decide({ Action: 's3:GetObjec?', Resource: '*' }, object('a'))).toBe('allowed');
    expect(decide({ Action: 's3:GetObjec?', Resource: '*' }, object('a'), {}, 's3:GetObjec')).toBe(
      'implicitDeny',
    );
    const tested = (operator: string, value: string, given: string) =>
      decide({ Resource: '*', Condition: { [operator]: { 'aws:userid': value } } }, object('a'), {
        'aws:userid': given,
      });
    expect(tested('StringLike', 'A?', 'AB')).toBe('allowed');
    expect(tested('StringLike', `A\${?}`, 'AB')).toBe('implicitDeny');
    expect(tested('StringLike', `A\${?}`, 'A?')).toBe('allowed');
    expect(tested('StringEquals', 'A?', 'AB')).toBe('implicitDeny');
    expect(tested('StringEquals', 'A?', 'A?')).toBe('allowed');
    expect(tested('StringNotLike', 'A?', 'AB')).toBe('implicitDeny');
    expect(tested('StringEquals', `\${aws:username}`, '')).toBe('implicitDeny');
    expect(tested('StringNotEquals', `\${aws:username}`, 'AB')).toBe('allowed');
  });
});
