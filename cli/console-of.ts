/** The sandbox as the page shows it. */
import '../sandbox/quiet.ts';
import type { ConsoleData } from '../console/server.ts';
import { stepsOf } from '../functions/steps.ts';
import { undoSafetyOf } from '../functions/undo.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

export function consoleOf(sandbox: Sandbox): ConsoleData {
  const { runtime, slack } = sandbox;
  return {
    incidents: () => sandbox.incidents(),
    async incident(id) {
      const incident = await runtime.incidents.find(id);
      if (!incident) return undefined;
      const [timeline, steps, finding, context] = await Promise.all([
        runtime.incidents.timeline(id),
        stepsOf(runtime, incident),
        runtime.incidents.finding(id),
        runtime.incidents.context(id),
      ]);
      return { incident, timeline, steps, finding, context };
    },
    slack,
    undoSafety: async (id) => undoSafetyOf(runtime, await runtime.incidents.get(id)),
    undo: (id, by) => {
      sandbox.undo(id, by);
    },
    onChange: (listener) => sandbox.onChange(listener),
  };
}
