/** Is GuardDuty on, how late are its updates, and who else archives findings? The first is judged for `init` as well. */
import {
  GetDetectorCommand,
  type GuardDutyClient,
  ListDetectorsCommand,
  paginateListFilters,
} from '@aws-sdk/client-guardduty';
import { type DoctorCheck, ok, warn, wrong } from './check.ts';

/**
 * What is to be said of the Region's detector: `wrong` where no finding comes, `warn` where updates come late. The fix is a
 * command that can be copied. Throws what AWS answers. GetDetector names an interval of FIFTEEN_MINUTES, ONE_HOUR or
 * SIX_HOURS; a new detector has SIX_HOURS (GuardDuty API reference).
 */
export async function judgeDetector(guardDuty: GuardDutyClient, region: string) {
  const id = await detectorId(guardDuty);
  if (id === undefined) {
    return wrong(
      `GuardDuty is not switched on in ${region}`,
      `aws guardduty create-detector --enable --finding-publishing-frequency FIFTEEN_MINUTES --region ${region}`,
    );
  }
  const { Status, FindingPublishingFrequency: every } = await guardDuty.send(
    new GetDetectorCommand({ DetectorId: id }),
  );
  const update = `aws guardduty update-detector --detector-id ${id} --region ${region}`;
  if (Status !== 'ENABLED') return wrong(`detector ${id} is ${Status}`, `${update} --enable`);
  if (every !== 'FIFTEEN_MINUTES') {
    return warn(
      `detector ${id} publishes updates every ${every}: "still going on" arrives that late`,
      `${update} --finding-publishing-frequency FIFTEEN_MINUTES (in the administrator account)`,
    );
  }
  return ok(`detector ${id} is on, updates every 15 minutes`);
}

/** Returns the detector of the Region, of which there is one at most; undefined without one. */
async function detectorId(guardDuty: GuardDutyClient): Promise<string | undefined> {
  const { DetectorIds: [id] = [] } = await guardDuty.send(new ListDetectorsCommand({}));
  return id;
}

export const detector: DoctorCheck = {
  name: 'detector',
  run: async ({ guardDuty, scope }) => [await judgeDetector(guardDuty, scope.region)],
};

/** Suppression rules that AWS Security Incident Response writes begin so (Security Incident Response User Guide). */
const TRIAGE_RULE = /^SIRTriage-/;

/** Firebreak records a finding that arrives archived and does nothing more, no matter who archived it. */
export const triage: DoctorCheck = {
  name: 'triage',
  async run({ guardDuty, scope: { region } }) {
    const id = await detectorId(guardDuty);
    if (id === undefined) return [];
    const rules: string[] = [];
    for await (const { FilterNames = [] } of paginateListFilters({ client: guardDuty }, { DetectorId: id })) {
      rules.push(...FilterNames.filter((name) => TRIAGE_RULE.test(name)));
    }
    const [first] = rules;
    if (first === undefined) return [ok('no suppression rule of AWS Security Incident Response')];
    return [
      warn(
        `AWS Security Incident Response archives findings here: ${rules.sort().join(', ')}. Firebreak only records what they match`,
        `aws guardduty get-filter --detector-id ${id} --region ${region} --filter-name ${rules.length > 1 ? 'NAME' : first}`,
      ),
    ];
  },
};
