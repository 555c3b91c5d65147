/** Sign-in sessions of a user: they renew their credentials without the password, and no client of Firebreak's can end them. */
import { awsCommand } from '../../core/aws/command-line.ts';
import type { UserState } from './state.ts';

/** Returns what becomes of them, with the commands for a person. */
export function signInSessions({ arn }: Pick<UserState, 'arn'>): string {
  const list = awsCommand('signin list-sessions', { 'principal-arn': arn, status: 'ACTIVE' });
  return `they go on once the deny is gone: list them with \`${list}\` and end them with \`aws signin batch-revoke-sessions\``;
}
