// A dashboard as Grafana's own types have it, with what those types leave open closed: the options and
// the field settings of each kind of panel that is used here, and the queries of Prometheus, whose
// type Grafana does not publish.

import type * as grafana from '@grafana/schema';
import type * as barGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as pie from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as lines from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

interface Query {
  refId: string;
  expr: string;
  datasource?: grafana.DataSourceRef;
  editorMode?: 'code';
  format?: 'time_series' | 'table';
  instant?: boolean;
  range?: boolean;
  legendFormat?: string;
  interval?: string;
}

type Fields<Custom> = Omit<grafana.FieldConfig, 'custom'> & { custom?: Custom };

interface PanelOf<Type, Options, Custom>
  extends Omit<grafana.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type;
  options: Options;
  fieldConfig: Omit<grafana.FieldConfigSource, 'defaults'> & { defaults: Fields<Custom> };
  targets: Query[];
}

type Panel =
  | PanelOf<'stat', stat.Options, Record<string, never>>
  | PanelOf<'bargauge', barGauge.Options, Record<string, never>>
  | PanelOf<'piechart', pie.Options, Partial<pie.FieldConfig>>
  | PanelOf<'state-timeline', timeline.Options, Partial<timeline.FieldConfig>>
  | PanelOf<'table', table.Options, Partial<table.FieldConfig>>
  | PanelOf<'timeseries', lines.Options, Partial<lines.FieldConfig>>
  | (Omit<grafana.RowPanel, 'panels'> & { panels: [] });

interface Annotation extends Omit<grafana.AnnotationQuery, 'target'> {
  expr?: string;
  step?: string;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
  useValueForTime?: boolean;
}

export interface Dashboard
  extends Omit<grafana.Dashboard, 'panels' | 'annotations' | 'templating'> {
  panels: Panel[];
  annotations: { list: Annotation[] };
  templating: { list: grafana.VariableModel[] };
}
