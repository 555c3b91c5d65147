/** What starts Contain and has it do nothing else: the alias that it is sent to, and what is sent. */
import { z } from 'zod';

/** The alias of serverless.yml's Contain; what Enrich and the sweep may invoke, and all they may. */
export const WARM_ALIAS = 'warm';
/** What is sent to it. Holds nothing of a finding. */
export const ping = z.strictObject({ warm: z.literal(true) });
