/** What the plugin uses of the Serverless Framework. */
export interface Framework {
  readonly service: {
    readonly service: string;
    readonly provider: { readonly stage: string };
    readonly resources: { readonly Resources: Record<string, unknown> };
  };
}
export default class PackagedPolicy {
  constructor(serverless: Framework, options: object);
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  file: string;
}
