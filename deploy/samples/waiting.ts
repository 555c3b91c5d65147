/** Leaves a sandbox in the working directory with one incident that awaits approval, for `firebreak show`. */
import { loadPolicy } from '../../core/policy/policy.ts';
import { openHome } from '../../sandbox/saved.ts';
import { SHIPPED_POLICY } from '../../sandbox/workspace.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';

const home = await openHome({ policy: await loadPolicy(SHIPPED_POLICY), fresh: true });
const { twin } = home.sandbox;
const { instanceId } = addressWorld(twin);
const asked = new Promise<void>((resolve) => home.sandbox.slack.onMessage(() => resolve()));
await home.sandbox.deliver(addressFinding(twin, instanceId, { seed: 'waiting' }));
await asked;
await home.sandbox.idle();
await home.close();
// Timers of the sandbox keep the process running.
process.exit(0);
