/** A finding as a readable page: every value of it once, in the chapter a responder looks for it, and the raw JSON below. */
import { indicationsIn } from '../core/finding/indications.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { breakable, type Markup, markup, type Value } from './markup.ts';

const CHAPTERS = ['Overview', 'Actor', 'Action', 'Resource', 'IAM', 'Network', 'More'] as const;
type Chapter = (typeof CHAPTERS)[number];

interface Leaf {
  readonly path: readonly string[];
  readonly value: string;
}

/** More values than this no one reads here; the JSON has them all. */
const MOST = 500;

function* leaves(value: Json, path: readonly string[] = []): Generator<Leaf> {
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== 'object' || item === null);
    if (plain && value.length > 0) yield { path, value: value.map(String).join(', ') };
    else
      for (const [index, item] of value.entries())
        yield* leaves(item, value.length > 1 ? [...path, `${index + 1}`] : path);
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) yield* leaves(member, [...path, key]);
  } else if (value !== null && value !== '') yield { path, value: String(value) };
}

/** The first that fits; the path is written with dots. */
const PLACES: readonly (readonly [RegExp, Chapter])[] = [
  [/remote(Ip|Account|Port)Details|\bactors\b|threatIntelligence|threatList|callerType|userAgent/i, 'Actor'],
  [/accessKeyDetails|iamInstanceProfile|userIdentity|kubernetesUserDetails|dbUserDetails|\brole\b/i, 'IAM'],
  [/networkInterfaces|vpcConfig|\bvpcId|subnetId|securityGroups|local(Ip|Port)Details/i, 'Network'],
  [/^service\.action/, 'Action'],
  [/^resource\./, 'Resource'],
  [/^service\.(event(First|Last)Seen|count|archived|detectorId|resourceRole|serviceName)$/, 'Overview'],
  [/^[^.]+$/, 'Overview'],
];
const chapterOf = (path: string): Chapter => PLACES.find(([form]) => form.test(path))?.[1] ?? 'More';

/** `remoteIpDetails.country.countryName` -> `remote ip · country name`. */
function nameOf(path: readonly string[]): string {
  const words = path
    .filter((part) => !/^(service|resource|action|additionalInfo)$/.test(part))
    .map((part) =>
      part
        .replace(/(Details|Action)$/, '')
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase(),
    );
  const short = words.filter((word, index) => !words[index + 1]?.startsWith(`${word} `));
  return short.slice(-3).join(' · ');
}

export function findingSection(finding: JsonObject | undefined): Markup {
  if (!finding) return markup`<p class="note">The finding is not in the table any more.</p>`;
  const all: Leaf[] = [];
  let left = 0;
  for (const leaf of leaves(finding)) {
    if (all.length < MOST) all.push(leaf);
    else left += 1;
  }
  const seen = indicationsIn(finding).map(
    ({ name, value }) => markup`<div><dt>${name}</dt><dd>${breakable(value)}</dd></div>`,
  );
  const chapters = CHAPTERS.flatMap((chapter): readonly Value[] => {
    const own = all.filter(({ path }) => chapterOf(path.join('.')) === chapter);
    if (own.length === 0) return [];
    const rows = own.map(
      ({ path, value }) =>
        markup`<div><dt title="${path.join('.')}">${nameOf(path)}</dt><dd>${breakable(value)}</dd></div>`,
    );
    return [markup`<section class="chapter"><h3>${chapter}</h3><dl class="pairs">${rows}</dl></section>`];
  });
  const evidence =
    seen.length > 0
      ? markup`<section class="chapter"><h3>What GuardDuty saw</h3><dl class="pairs">${seen}</dl></section>`
      : '';
  return markup`<div class="chapters">${evidence}${chapters}</div>
${left > 0 ? markup`<p class="note">${left} more values are in the JSON.</p>` : ''}
<details data-keep="finding-json"><summary>The finding as received, JSON</summary><pre role="region" tabindex="0" aria-label="Finding, JSON">${JSON.stringify(finding, null, 2)}</pre></details>`;
}
