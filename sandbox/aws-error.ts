/** An error as SDK v3 gives it: `name` is AWS's own error name, `$metadata` and `$fault` are what retries look at. */
export function awsError(name: string, message: string, status = 400): Error {
  const error = new Error(message);
  error.name = name;
  return Object.assign(error, {
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status, attempts: 1 },
  });
}
