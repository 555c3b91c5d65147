import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dashboard } from './dashboard.ts';

interface Body {
  readonly widgets: readonly {
    readonly x: number;
    readonly width: number;
    readonly properties: { readonly metrics: readonly (readonly unknown[])[] };
  }[];
}
const resource = dashboard() as { Properties: { DashboardBody: { 'Fn::Sub': string } } };
const body = JSON.parse(resource.Properties.DashboardBody['Fn::Sub']) as Body;
const metrics = body.widgets.flatMap(({ properties }) => properties.metrics);

it('shows only metrics of ours that some function writes', () => {
  const source = ['functions', 'pipeline']
    .flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((name) => `${room}/${name}`),
    )
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const written = [...source.matchAll(/(?:countMetric|measureMs)\(\s*([^,)]+(?:\?[^,)]+)?)/g)].flatMap(
    ([, given = '']) => [...given.matchAll(/['`]([A-Za-z_]+)/g)].map(([, name = '']) => name),
  );
  const shown = metrics.filter(([namespace]) => namespace === 'Firebreak').map(([, name]) => String(name));
  expect(shown.length).toBeGreaterThan(15);
  for (const name of shown)
    expect(
      written.some((one) => (one.endsWith('_') ? name.startsWith(one) : name === one)),
      name,
    ).toBe(true);
});

it('fits CloudWatch: 24 columns, 500 metrics a widget, no Region or account written in', () => {
  for (const { x, width, properties } of body.widgets) {
    expect(x + width).toBeLessThanOrEqual(24);
    expect(properties.metrics.length).toBeLessThanOrEqual(500);
  }
  expect(resource.Properties.DashboardBody['Fn::Sub']).not.toMatch(/arn:aws:|\d{12}|[a-z]{2}-[a-z]+-\d/);
});

it("has a name of its own in every Region, since dashboards are the account's", () => {
  expect(resource).toMatchObject({
    Properties: { DashboardName: { 'Fn::Sub': '${self:service}-${sls:stage}-${AWS::Region}' } },
  });
});
