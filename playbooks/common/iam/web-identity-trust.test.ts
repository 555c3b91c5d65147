import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../sandbox/twin/policy-evaluation.ts';
import { type TokenHolder, trustsTokenOf } from './web-identity-trust.ts';

const ISSUER = 'oidc.eks.eu-west-1.amazonaws.com/id/AB12';
const holder: TokenHolder = {
  provider: `arn:aws:iam::111122223333:oidc-provider/${ISSUER}`,
  subject: 'system:serviceaccount:web:cart',
};
const ASSUME = 'sts:AssumeRoleWithWebIdentity';
const trust = (...statements: object[]) => ({
  Version: '2012-10-17',
  Statement: statements.map((one) => ({
    Effect: 'Allow',
    Principal: { Federated: holder.provider },
    Action: ASSUME,
    ...one,
  })),
});

describe('the trust of a service account', () => {
  it('agrees with the evaluation of the policy, whatever is asked of the subject', () => {
    const operator = fc
      .tuple(
        fc.constantFrom('', 'ForAnyValue:'),
        fc.constantFrom('Equals', 'NotEquals', 'Like', 'NotLike', 'EqualsIgnoreCase'),
        fc.constantFrom('', 'IfExists'),
      )
      .map(([set, name, exists]) => `${set}String${name}${exists}`);
    const subject = fc.constantFrom(
      ...['web:cart', 'WEB:cart', 'web:*', 'web:car?', 'web:car', '*:*', 'web:cart-?', 'a.b:cart'].map(
        (name) => `system:serviceaccount:${name}`,
      ),
    );
    const condition = fc.dictionary(
      operator,
      fc.record({ [`${ISSUER}:sub`]: fc.oneof(subject, fc.array(subject, { minLength: 1, maxLength: 2 })) }),
      { maxKeys: 2, noNullPrototype: true },
    );
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
      Action: fc.constantFrom(ASSUME, 'sts:*', 'sts:assumerolewithweb*', '*', 'sts:AssumeRole'),
      Condition: condition,
    });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 3 }), (statements) => {
        const document = trust(...statements);
        const { decision } = evaluate(new Map([['trust', JSON.stringify(document)]]), {
          action: ASSUME,
          resource: 'arn:aws:iam::111122223333:role/r',
          keys: { [`${ISSUER}:sub`.toLowerCase()]: holder.subject },
        });
        expect(trustsTokenOf(JSON.parse(JSON.stringify(document)), holder)).toBe(decision === 'allowed');
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['no statement', { Statement: [] }, false],
    ['what is no policy', 'nonsense', false],
    ['a user', trust({ Principal: { AWS: '*' } }), false],
    ['another provider', trust({ Principal: { Federated: `${holder.provider}C` } }), false],
    ['one of two providers', trust({ Principal: { Federated: ['cognito', holder.provider] } }), true],
    ['every token of the cluster', trust({}), true],
    [
      'a subject of another issuer',
      trust({ Condition: { StringEquals: { 'x:sub': holder.subject } } }),
      false,
    ],
    [
      'an audience that is not known here',
      trust({ Condition: { StringEquals: { [`${ISSUER}:aud`]: 'x' } } }),
      true,
    ],
    [
      'a deny on something else',
      trust({}, { Effect: 'Deny', Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }),
      true,
    ],
  ])('%s', (_name, document, expected) => {
    expect(trustsTokenOf(document, holder)).toBe(expected);
  });
});
