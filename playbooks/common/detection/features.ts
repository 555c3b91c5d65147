/** Features of a detector and their parts, as GuardDuty writes them for an account and for its members. */
import { z } from 'zod';

/** Features that UpdateDetector takes; the foundational ones are on with the detector. */
const feature = z.enum([
  'AI_ANALYST',
  'AI_PROTECTION',
  'EBS_MALWARE_PROTECTION',
  'EKS_AUDIT_LOGS',
  'EKS_RUNTIME_MONITORING',
  'LAMBDA_NETWORK_LOGS',
  'RDS_LOGIN_EVENTS',
  'RUNTIME_MONITORING',
  'S3_DATA_EVENTS',
]);
/** Parts of a feature that are switched on their own. */
const additional = z.enum([
  'EC2_AGENT_MANAGEMENT',
  'ECS_FARGATE_AGENT_MANAGEMENT',
  'EKS_ADDON_MANAGEMENT',
  'RDS_DATA_RISK',
]);
/** A feature, or `FEATURE/PART`. */
const part = z.templateLiteral([feature, '/', additional]);
const switched = z.union([feature, part]);
type Switched = z.infer<typeof switched>;
const status = z.enum(['ENABLED', 'DISABLED']);
/** By feature, or `FEATURE/PART`. */
/** The form of a feature's name, or of a part's. */
export const featureName = switched;
export const featureStatus = status;
export const featuresSchema = z.record(z.string(), status);
export type Features = z.infer<typeof featuresSchema>;

/** What GuardDuty says of a feature or a part of one. `ManagedBy` is GUARDDUTY_POLICY where an organisation policy sets it. */
interface Said {
  readonly Name?: string | undefined;
  readonly Status?: string | undefined;
  readonly ManagedBy?: string | undefined;
}

/** A feature that an organisation policy sets is left out: the policy restores it, and refuses who changes it here. */
function pairOf(name: string, { Status, ManagedBy }: Said): readonly (readonly [string, string])[] {
  if (Status === undefined || ManagedBy === 'GUARDDUTY_POLICY') return [];
  return switched.safeParse(name).success ? [[name, Status]] : [];
}

/** Returns every feature and part that can be switched here, with its status. */
export const featuresOf = (
  said: readonly (Said & { readonly AdditionalConfiguration?: readonly Said[] | undefined })[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    said
      .flatMap((each) => [
        ...pairOf(`${each.Name}`, each),
        ...(each.AdditionalConfiguration ?? []).flatMap((one) => pairOf(`${each.Name}/${one.Name}`, one)),
      ])
      .sort(),
  );

const off = z.object({ name: z.string(), status: z.string().optional() });
const change = off.extend({ additionalConfiguration: z.array(off).optional() });

/** Returns what the `features` of a recorded call make of each feature and part. */
export function switchedIn(
  features: unknown,
): readonly { readonly name: string; readonly status?: string | undefined }[] {
  return (Array.isArray(features) ? features : [])
    .flatMap((given: unknown) => {
      const { data } = change.safeParse(given);
      if (!data) return [];
      const { name, additionalConfiguration = [] } = data;
      return [data, ...additionalConfiguration.map((one) => ({ ...one, name: `${name}/${one.name}` }))];
    })
    .filter(({ name }) => switched.safeParse(name).success);
}

/** Returns the features, and parts of them, that the `features` of a recorded call switch off. */
export const switchedOffIn = (features: unknown): readonly string[] =>
  switchedIn(features)
    .filter(({ status: to }) => to === 'DISABLED')
    .map(({ name }) => name);

/** What the call that changes features is given: only what differs, each part under its feature. */
export function featureChanges(wanted: Features, other: Features) {
  const differs = (name: Switched) => {
    const to = wanted[name];
    return to === undefined || to === other[name] ? undefined : to;
  };
  return feature.options.flatMap((Name) => {
    const parts = additional.options.flatMap((one) => {
      const Status = differs(`${Name}/${one}`);
      return Status === undefined ? [] : [{ Name: one, Status }];
    });
    // The status of the feature is demanded with that of its parts.
    const Status = differs(Name) ?? (parts.length > 0 ? wanted[Name] : undefined);
    if (Status === undefined) return [];
    return [{ Name, Status, ...(parts.length > 0 ? { AdditionalConfiguration: parts } : {}) }];
  });
}
