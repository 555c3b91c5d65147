/** A pod as it stands. Values of environment variables and what `kubectl apply` copied of them are left out. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { type Json, type JsonObject, toJson } from '../../core/json.ts';

/** The whole manifest in one annotation, environment and all. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LEFT_OUT = '(value left out)';

export function podDocument({ metadata, spec, status }: V1Pod): JsonObject {
  const { annotations, managedFields: _fields, ...named } = metadata ?? {};
  return toJson({
    metadata: {
      ...named,
      ...(annotations ? { annotations: withoutLastApplied(annotations) } : {}),
    },
    spec: {
      ...spec,
      containers: (spec?.containers ?? []).map(withoutValues),
      ...(spec?.initContainers ? { initContainers: spec.initContainers.map(withoutValues) } : {}),
      ...(spec?.ephemeralContainers
        ? { ephemeralContainers: toJson(spec.ephemeralContainers.map(withoutValues)) }
        : {}),
    },
    status,
  }) as JsonObject;
}

/** The name tells what is there, and `valueFrom` where it comes from. */
const withoutValues = <C extends Pick<V1Container, 'env'>>({ env, ...container }: C) => ({
  ...container,
  ...(env
    ? {
        env: env.map((variable) => ({
          ...variable,
          ...('value' in variable && variable.value ? { value: LEFT_OUT } : {}),
        })),
      }
    : {}),
});

const withoutLastApplied = (annotations: Readonly<Record<string, string>>): Json =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [key, key === LAST_APPLIED ? LEFT_OUT : value]),
  );
