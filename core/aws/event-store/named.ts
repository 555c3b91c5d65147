/** Where the deployment keeps events. */
export type EventStore =
  | { readonly kind: 'lake'; readonly arn: string }
  | { readonly kind: 'trail'; readonly table: string; readonly workgroup: string };
