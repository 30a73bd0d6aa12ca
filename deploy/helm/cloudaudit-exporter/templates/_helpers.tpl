{{- define "cloudaudit-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cloudaudit-exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "cloudaudit-exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "cloudaudit-exporter.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "cloudaudit-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Of every pod of the release, whichever its shard. */}}
{{- define "cloudaudit-exporter.podSelector" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" . }}
cloudaudit-exporter/shards-of: {{ include "cloudaudit-exporter.fullname" . }}
{{- end }}

{{/* What is added to names for a shard. The first shard has none: it is the one that was there before there were others. */}}
{{- define "cloudaudit-exporter.shardSuffix" -}}
{{- if . }}{{ printf "-shard-%d" . }}{{ end }}
{{- end }}

{{/* Of the pods of one shard, and no pod of another. Of a list: all, and the ordinal. */}}
{{- define "cloudaudit-exporter.shardSelector" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" (first .) }}
app.kubernetes.io/instance: {{ printf "%s%s" (first .).Release.Name (include "cloudaudit-exporter.shardSuffix" (last .)) | quote }}
{{- end }}

{{/* On the pods of one shard. Of a list: all, and the ordinal. */}}
{{- define "cloudaudit-exporter.podLabels" -}}
{{- $labels := include "cloudaudit-exporter.shardSelector" . | fromYaml }}
{{- $labels := merge $labels (include "cloudaudit-exporter.podSelector" (first .) | fromYaml) }}
{{- $_ := set $labels "cloudaudit-exporter/shard" (last . | toString) }}
{{- $labels := merge $labels (include "cloudaudit-exporter.labels" (first .) | fromYaml) }}
{{- toYaml (merge $labels (first .).Values.podLabels) }}
{{- end }}

{{/* The chart's own labels win: selectors rest on them. */}}
{{- define "cloudaudit-exporter.labels" -}}
{{- $ours := include "cloudaudit-exporter.selectorLabels" . | fromYaml }}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $ours "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .Release.Service }}
{{- toYaml (merge $ours .Values.commonLabels) }}
{{- end }}

{{- define "cloudaudit-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cloudaudit-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "cloudaudit-exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* A state file has one writer, so each shard has a claim of its own. Of a list: all, and the ordinal. */}}
{{- define "cloudaudit-exporter.claim" -}}
{{- $made := printf "%s%s" (include "cloudaudit-exporter.fullname" (first .)) (include "cloudaudit-exporter.shardSuffix" (last .)) }}
{{- if last . }}{{ $made }}{{ else }}{{ default $made (first .).Values.persistence.existingClaim }}{{ end }}
{{- end }}

{{/* Empty where the exporter runs without a file. */}}
{{- define "cloudaudit-exporter.configMap" -}}
{{- if .Values.existingConfigMap }}
{{- .Values.existingConfigMap }}
{{- else if .Values.config }}
{{- include "cloudaudit-exporter.fullname" . }}
{{- end }}
{{- end }}

{{/* A probe comes by HTTPS where the listener has TLS and the probe does not say otherwise. Of a list: all, and the probe. */}}
{{- define "cloudaudit-exporter.probe" -}}
{{- $probe := deepCopy (last .) }}
{{- if and (first .).Values.webConfig.tls $probe.httpGet }}
{{- $_ := merge $probe.httpGet (dict "scheme" "HTTPS") }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* What of the rules is configurable, done to their text; then what needs their structure. */}}
{{- define "cloudaudit-exporter.ruleGroups" -}}
{{- $owner := "" }}
{{- range .Values.prometheusRule.ownerLabels }}{{ $owner = printf "%s, %s" $owner . }}{{ end }}
{{- $home := printf "%s/blob/main/docs/alerts.md" .Chart.Home }}
{{- $groups := list }}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" }}
{{- $text := $.Files.Get $path | replace ", team, env)" (printf "%s)" $owner) | replace $home $.Values.prometheusRule.runbookBase }}
{{- range (fromYaml $text).groups }}
{{- $rules := list }}
{{- range .rules }}
{{- if not (has .alert $.Values.prometheusRule.disabledAlerts) }}
{{- if .alert }}
{{- $_ := set . "labels" (merge (default dict .labels) $.Values.prometheusRule.additionalLabels) }}
{{- if not $.Values.prometheusRule.keepFiringFor }}{{ $_ := unset . "keep_firing_for" }}{{ end }}
{{- end }}
{{- $rules = append $rules . }}
{{- end }}
{{- end }}
{{- $_ := set . "rules" $rules }}
{{- if $rules }}{{ $groups = append $groups . }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
