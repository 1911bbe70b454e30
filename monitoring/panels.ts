// What every dashboard draws alike: one number, some lines, a table. Panels ask one Prometheus, which the provisioning
// files name, so that a dashboard needs no setting up.
import { BigValueTextMode } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The data source of `grafana/provisioning/datasources`. */
const DATASOURCE = { type: 'prometheus', uid: 'mandate-prometheus' } as const;

export interface Query {
  readonly expr: string;
  /** Names the line: `{{status}}`. */
  readonly legend: string;
}

export interface Look {
  /** Of 24 columns. */
  readonly width: number;
  /** A unit of Grafana: `percentunit`, `s`, `d`, `short`. */
  readonly unit?: string;
  /** From which value on it is yellow and red. The other way round where `isBetterHigh`. */
  readonly warnAt?: readonly [yellow: number, red: number];
  readonly isBetterHigh?: boolean;
  readonly why: string;
}

const HEIGHT = 8;
const LOW = 4;

export function dashboard(uid: string, title: string, why: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(why)
    .tags(['mandate'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .readonly();
}

/** The newest value of one query. */
export function stat(title: string, query: Query, look: Look): StatBuilder {
  return new StatBuilder()
    .title(title)
    .description(look.why)
    .datasource(DATASOURCE)
    .height(LOW)
    .span(look.width)
    .unit(look.unit ?? 'short')
    .noValue('–')
    .thresholds(thresholdsOf(look))
    .withTarget(queryOf(query, 0).instant());
}

/** The same with the name of the series instead of its value: for what says in a label what is the case. */
export function label(title: string, query: Query, look: Look): StatBuilder {
  return stat(title, query, look).textMode(BigValueTextMode.Name);
}

export function lines(title: string, queries: readonly Query[], look: Look): LinesBuilder {
  const panel = new LinesBuilder()
    .title(title)
    .description(look.why)
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(look.width)
    .unit(look.unit ?? 'short')
    .min(0)
    .fillOpacity(10)
    .thresholds(thresholdsOf(look));
  for (const [index, query] of queries.entries()) panel.withTarget(queryOf(query, index));
  return panel;
}

export function table(title: string, query: Query, look: Look): TableBuilder {
  return new TableBuilder()
    .title(title)
    .description(look.why)
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(look.width)
    .withTarget(queryOf(query, 0).instant().format(PromQueryFormat.Table))
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true, job: true, instance: true, __name__: true } },
    });
}

function queryOf({ expr, legend }: Query, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCharCode(65 + index))
    .expr(expr)
    .legendFormat(legend);
}

function thresholdsOf({ warnAt, isBetterHigh = false }: Look): ThresholdsConfigBuilder {
  const [yellow, red] = warnAt ?? [null, null];
  const steps = isBetterHigh
    ? [
        { value: null, color: 'red' },
        { value: red, color: 'yellow' },
        { value: yellow, color: 'green' },
      ]
    : [
        { value: null, color: 'green' },
        { value: yellow, color: 'yellow' },
        { value: red, color: 'red' },
      ];
  const known = yellow === null ? [{ value: null, color: 'blue' }] : steps;
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(known);
}
