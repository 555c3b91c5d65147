/** What went wrong, in words for a terminal: the message, then what to do. */
import { describeError, isFirebreakError } from '../core/errors.ts';
import { plainText } from './terminal.ts';

interface Words {
  readonly message: string;
  readonly fix: string | undefined;
}

/** What the system says by a code: to whom it happened stands in the error. */
const SYSTEM: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  ENOENT: ['there is no such file', 'Check the path.'],
  EACCES: ['this user may not open it', 'Change its permissions, or name another one.'],
  EPERM: ['this user may not change it', 'Change its permissions, or name another one.'],
  EISDIR: ['it is a folder', 'Name a file.'],
  ENOTDIR: ['a part of the path is not a folder', 'Check the path.'],
  EROFS: ['the file system is read-only', 'Run the command in a folder that you may write to.'],
  ENOSPC: ['the disk is full', 'Free some space and run the command again.'],
  EMFILE: ['too many files are open', 'Raise the limit (ulimit -n) and run the command again.'],
  EADDRINUSE: ['the port is in use', 'Name another one with --port, or none: any free one is taken then.'],
  ECONNREFUSED: ['the connection was refused', 'Check the address, your network and your proxy.'],
  ECONNRESET: ['the connection broke', 'Run the command again.'],
  ENOTFOUND: ['the host is not known', 'Check the Region, your network and your proxy.'],
  EAI_AGAIN: ['no name server answers', 'Check your network and your proxy.'],
  ETIMEDOUT: ['no answer came in time', 'Check your network and your proxy.'],
};

/** What AWS and its SDK say by a name, whatever the call. */
const AWS: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  CredentialsProviderError: [
    'there are no usable AWS credentials',
    'Set AWS_PROFILE, give --profile, or sign in (aws sso login).',
  ],
  ExpiredToken: ['the AWS credentials have expired', 'Sign in again (aws sso login).'],
  ExpiredTokenException: ['the AWS credentials have expired', 'Sign in again (aws sso login).'],
  InvalidClientTokenId: [
    'AWS does not know these credentials',
    'Check AWS_PROFILE, --profile and the account.',
  ],
  UnrecognizedClientException: [
    'AWS does not know these credentials',
    'Check AWS_PROFILE, --profile and the account.',
  ],
};

function wordsOf(error: unknown): Words {
  if (isFirebreakError(error)) {
    const { message, resource, next } = error;
    const names = resource === undefined || message.includes(resource) ? message : `${message} (${resource})`;
    return { message: names, fix: next };
  }
  if (!(error instanceof Error)) return { message: String(error), fix: undefined };
  const { code, path, hostname, address, port } = error as NodeJS.ErrnoException & {
    readonly hostname?: string;
    readonly address?: string;
    readonly port?: number;
  };
  const [said, fix] = SYSTEM[code ?? ''] ?? AWS[error.name] ?? [];
  if (said === undefined) return { message: describeError(error), fix: undefined };
  const what = path ?? hostname ?? (address === undefined ? undefined : `${address}:${port ?? ''}`);
  return { message: what === undefined ? said : `${what}: ${said}`, fix };
}

/** Returns the lines: several mistakes are one each, and what to do comes last. */
export function failureText(error: unknown): string {
  const { message, fix } = wordsOf(error);
  const lines = isFirebreakError(error) && error.lines.length > 1 ? error.lines : [message];
  return [...lines, ...(fix === undefined ? [] : [`Fix: ${fix}`])].map(plainText).join('\n');
}
