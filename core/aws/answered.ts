/** SDK clients whose calls are answered in this process: without what only a request over the network needs. */

/** The part of an SDK client's middleware stack that is used here. */
export interface Stack {
  add(middleware: unknown, options: object): void;
  addRelativeTo(middleware: unknown, options: object): void;
  remove(name: string): void;
  concat(other: unknown): Stack;
}

/** No request is sent. */
export const NOWHERE = { url: new URL('https://answered.invalid') };

/** By the SDK's names. */
const FOR_THE_NETWORK = [
  ...['httpAuthSchemeMiddleware', 'httpSigningMiddleware', 'getUserAgentMiddleware', 'hostHeaderMiddleware'],
  ...['recursionDetectionMiddleware', 'contentLengthMiddleware', 'loggerMiddleware'],
];

/** Takes out what only a request over the network needs. */
export function withoutNetwork(stack: Stack): void {
  for (const name of FOR_THE_NETWORK) stack.remove(name);
  endpointNowhere(stack);
}

/**
 * Each command brings the resolution of its endpoint along, a copy of the whole configuration and a walk through the rules of
 * the service: half of what an answered call cost. It is replaced where the command's stack is put behind the client's.
 */
function endpointNowhere(stack: Stack): void {
  const concat = stack.concat.bind(stack);
  stack.concat = (other) => {
    const all = concat(other);
    all.addRelativeTo(
      (next: (args: unknown) => Promise<unknown>, context: { endpointV2?: typeof NOWHERE }) =>
        (args: unknown) => {
          context.endpointV2 = NOWHERE;
          return next(args);
        },
      {
        ...{ relation: 'before', toMiddleware: 'serializerMiddleware' },
        ...{ name: 'endpointV2Middleware', override: true },
      },
    );
    endpointNowhere(all);
    return all;
  };
}
