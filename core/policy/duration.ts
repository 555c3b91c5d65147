/** How long, as policy.yml says it; settings of playbooks are parsed in functions as well. */
import { z } from 'zod';

/** `90s`, `30m`, `4h`, `1d` -> seconds. */
export const duration = z
  .string()
  .regex(/^\d+(s|m|h|d)$/, 'expected a duration such as 30m or 4h')
  .transform((value) => {
    const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[value.slice(-1)] ?? 1;
    return Number(value.slice(0, -1)) * unit;
  })
  .refine((seconds) => seconds >= 1 && seconds <= 86_400 * 30, 'expected 1s to 30d');
