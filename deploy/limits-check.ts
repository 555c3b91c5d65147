/**
 * `npm run limits:check`, after `npm run package`: what the packaged stack takes of AWS's limits, as figures. Exits 1 where one
 * is above 90 %, or where two deployments would take the same name.
 */
import { readFileSync } from 'node:fs';
import { PLAYBOOKS } from '../playbooks/index.ts';
import { type Figure, isOver, memberFigures, SHARE, sessionFigure, stackFigures } from './limits/figures.ts';
import { collisions } from './limits/names.ts';
import { PACKAGE, PACKAGED, parseTemplate, readTemplate, restaged, stageOf } from './limits/template.ts';
import { section } from './section.ts';

const text = readFileSync(PACKAGED, 'utf8');
const template = parseTemplate(text);
const stage = stageOf(template);
const figures: readonly Figure[] = [
  ...stackFigures(text, template, PACKAGE, stage),
  ...memberFigures(readTemplate('deploy/generated/member-account.json')),
  sessionFigure(PLAYBOOKS),
];

const number = (value: number): string => value.toLocaleString('en-US');
for (const { what, figure, limit, from, held } of figures) {
  const share = limit === 0 ? '' : `${((figure / limit) * 100).toFixed(1).padStart(6)} %`;
  console.log(
    `${what.padEnd(62)} ${number(figure).padStart(13)} of ${number(limit).padStart(14)} ${share.padStart(8)}  ${from}${held ? `; ${held}` : ''}`,
  );
}

const over = figures.filter(isOver);
const taken = collisions(
  [stage, 'another'].flatMap((name) =>
    ['us-east-1', 'ap-southeast-1'].map((region) => ({
      template: parseTemplate(restaged(text, stage, name)),
      deployment: { partition: 'aws', account: '123456789012', region, stage: name },
    })),
  ),
);
section(
  `Above ${SHARE * 100} % of a limit`,
  over.map(({ what, figure, limit }) => `${what}: ${number(figure)} of ${number(limit)}`),
);
section('Names that two stages or two Regions of one account would both take', taken);
const failed = over.length + taken.length;
console.log(failed === 0 ? `limits: ${figures.length} figures, all below` : `limits: ${failed} problems`);
if (failed > 0) process.exitCode = 1;
