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
app.kubernetes.io/instance: {{ .Release.Name }}
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
