/** Launch templates: when each version was made, and which is the default. Part of EC2. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinLaunchTemplate {
  /** When each was made; the first is version 1. */
  versions: string[];
  inForce: number;
}
/** By id. */
export type TwinLaunchTemplates = Record<string, TwinLaunchTemplate>;

function templateOf({ region, input }: TwinCall): TwinLaunchTemplate & { readonly id: string } {
  const id = String([input['LaunchTemplateIds'] ?? input['LaunchTemplateId']].flat()[0]);
  const found = region.launchTemplates?.[id];
  if (!found)
    throw awsError(
      'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, ${id}, does not exist.`,
    );
  return { ...found, id };
}

const described = ({ id, versions, inForce }: ReturnType<typeof templateOf>) => ({
  ...{ LaunchTemplateId: id, DefaultVersionNumber: inForce, LatestVersionNumber: versions.length },
});

export const launchTemplates: Answers = {
  DescribeLaunchTemplates: (call) => ({ LaunchTemplates: [described(templateOf(call))] }),
  DescribeLaunchTemplateVersions: (call) => {
    const { id, versions, inForce } = templateOf(call);
    return {
      LaunchTemplateVersions: versions.map((at, index) => ({
        ...{ LaunchTemplateId: id, VersionNumber: index + 1, DefaultVersion: index + 1 === inForce },
        CreateTime: new Date(at),
      })),
    };
  },
  CreateLaunchTemplateVersion: (call) => {
    const { id, versions } = templateOf(call);
    const found = call.region.launchTemplates?.[id];
    found?.versions.push('2026-11-24T07:30:00.000Z');
    return {
      LaunchTemplateVersion: {
        ...{ LaunchTemplateId: id, VersionNumber: versions.length, DefaultVersion: false },
      },
    };
  },
  ModifyLaunchTemplate: (call) => {
    const { id, versions } = templateOf(call);
    const wanted = Number(call.input['DefaultVersion']);
    if (!(wanted >= 1 && wanted <= versions.length))
      throw awsError(
        'InvalidLaunchTemplateId.VersionNotFound',
        `Could not find the specified version ${wanted} for the launch template with ID ${id}.`,
      );
    const found = call.region.launchTemplates?.[id];
    if (found) found.inForce = wanted;
    return { LaunchTemplate: described(templateOf(call)) };
  },
};
