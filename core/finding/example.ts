import type { Finding, SeverityLabel } from './finding.ts';
import { SCAN_TYPES } from './scan.ts';

const SEVERITIES: Readonly<Record<SeverityLabel, number>> = { low: 2, medium: 5, high: 8, critical: 9.5 };

/** Nothing but type and severity; the role of the resource and the caller's account can lower a decision further. */
export function exampleOf(type: string, label: SeverityLabel): Finding {
  const [purpose = '', rest = ''] = type.split(':');
  const scan = SCAN_TYPES.get(type)?.outcome;
  return {
    ...(scan === undefined ? {} : { scan }),
    id: type,
    type,
    purpose,
    family: rest.split('/')[0] ?? '',
    severity: SEVERITIES[label],
    label,
    partition: 'aws',
    account: '123456789012',
    region: 'us-east-1',
    title: type,
    description: '',
    updatedAt: '2026-01-01T00:00:00.000Z',
    count: 1,
    archived: false,
    sample: false,
    threatLists: [],
    detail: {},
  };
}
