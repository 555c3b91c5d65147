import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { FirebreakError } from '../core/errors.ts';
import { failureText } from './failure.ts';

const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it did not fail',
    (error: unknown) => failureText(error),
  );

it('says what the system refused, and what to do, without its codes', async () => {
  expect(await failureOf(readFile('/does/not/exist'))).toBe(
    '/does/not/exist: there is no such file\nFix: Check the path.',
  );
  expect(await failureOf(readFile('/'))).toBe('it is a folder\nFix: Name a file.');
  const server = createServer();
  const address = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at ? at.port : 0);
    });
  });
  const second = createServer();
  const used = new Promise((_, reject) => second.once('error', reject).listen(address, '127.0.0.1'));
  expect(await failureOf(used)).toMatch(/^127\.0\.0\.1:\d+: the port is in use\nFix: Name another one/);
  await new Promise((resolve) => server.close(resolve));
  const refused = new Promise((_, reject) => connect(address, '127.0.0.1').once('error', reject));
  expect(await failureOf(refused)).toMatch(/the connection was refused\nFix: /);
});

it('says an error of its own as the message, its resource and the fix', () => {
  const error = new FirebreakError('NotFound', 'there is no incident', { resource: 'fb-1', next: 'Look.' });
  expect(failureText(error)).toBe('there is no incident (fb-1)\nFix: Look.');
  const named = new FirebreakError('NotFound', 'there is no incident fb-1', { resource: 'fb-1' });
  expect(failureText(named)).toBe('there is no incident fb-1');
});

it('says what is wrong with AWS credentials', () => {
  const error = Object.assign(new Error('The security token …'), { name: 'ExpiredToken', $fault: 'client' });
  expect(failureText(error)).toMatch(/^the AWS credentials have expired\nFix: Sign in/);
});
