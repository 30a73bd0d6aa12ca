{{/* Prepares the values; every template begins with this. Helm deletes a value that is set to null, so a missing mapping
or list becomes an empty one. Then this checks what the schema cannot check. */}}
{{- define "cloudaudit-exporter.prepare" -}}
{{- range list "image" "commonLabels" "config" "webConfig" "log" "persistence" "serviceAccount" "service" "serviceMonitor" "prometheusRule" "dashboards" "networkPolicy" "podDisruptionBudget" "livenessProbe" "readinessProbe" "startupProbe" "resources" "strategy" "podAnnotations" "podLabels" "dnsConfig" "nodeSelector" "affinity" "podSecurityContext" "securityContext" }}
{{- if not (kindIs "map" (get $.Values .)) }}{{ $_ := set $.Values . dict }}{{ end }}
{{- end }}
{{- range $key := list "nameOverride" "fullnameOverride" }}
{{- with get $.Values $key }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" .) }}
{{- fail (printf "%s: %q is not a name for Kubernetes objects: use up to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last" $key .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $seen := dict }}
{{- range .Values.existingSecrets }}
{{- if hasKey $seen .name }}
{{- fail (printf "existingSecrets: %q is there twice; put `mount` and `env` into one entry" .name) }}
{{- end }}
{{- $_ := set $seen .name true }}
{{- end }}
{{- range $section := list "accounts" "organizations" }}
{{- range $name, $_ := (default dict (get $.Values.config $section)) }}
{{- if regexMatch "^(true|false|null|0|[1-9][0-9]{0,8}|.*e\\+[0-9]+)$" $name }}
{{- fail (printf "config.%s: the name %q may not be what you wrote, because Helm reads names such as 0123, 1e3 and yes as numbers and booleans; use a name with letters, in quotes" $section $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The value of a flag in extraArgs, else of its variable in extraEnv. Parameters: root, flag, variable. */}}
{{- define "cloudaudit-exporter.flag" -}}
{{- $flag := index . 1 }}
{{- $found := "" }}
{{- range (first .).Values.extraEnv }}
{{- if eq .name (last $) }}{{ $found = default "" .value }}{{ end }}
{{- end }}
{{- $isNext := false }}
{{- range (first .).Values.extraArgs }}
{{- if $isNext }}
{{- $found = . }}
{{- $isNext = false }}
{{- else if eq . $flag }}
{{- $isNext = true }}
{{- else if hasPrefix (printf "%s=" $flag) . }}
{{- $found = trimPrefix (printf "%s=" $flag) . }}
{{- end }}
{{- end }}
{{- $found }}
{{- end }}

{{/* The prefix of every path: empty, or a path without a slash at its end. */}}
{{- define "cloudaudit-exporter.routePrefix" -}}
{{- $prefix := include "cloudaudit-exporter.flag" (list . "--web.route-prefix" "CLOUDAUDIT_EXPORTER_WEB_ROUTE_PREFIX") }}
{{- if not $prefix }}
{{- with include "cloudaudit-exporter.flag" (list . "--web.external-url" "CLOUDAUDIT_EXPORTER_WEB_EXTERNAL_URL") }}
{{- $prefix = (urlParse .).path }}
{{- end }}
{{- end }}
{{- with trimAll "/" $prefix }}{{ printf "/%s" . }}{{ end }}
{{- end }}

{{- define "cloudaudit-exporter.metricsPath" -}}
{{- $path := include "cloudaudit-exporter.flag" (list . "--web.telemetry-path" "CLOUDAUDIT_EXPORTER_WEB_TELEMETRY_PATH") }}
{{- printf "%s/%s" (include "cloudaudit-exporter.routePrefix" .) (default "metrics" $path | trimPrefix "/") }}
{{- end }}

{{/* The port of the container, which must listen on every address: probes and Prometheus connect from outside the pod. */}}
{{- define "cloudaudit-exporter.port" -}}
{{- $address := default ":10629" (include "cloudaudit-exporter.flag" (list . "--web.listen-address" "CLOUDAUDIT_EXPORTER_WEB_LISTEN_ADDRESS")) }}
{{- if not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\])?:[1-9][0-9]{0,4}$" $address) }}
{{- fail (printf "extraArgs: --web.listen-address=%s cannot be reached by probes and Prometheus; use --web.listen-address=:10629, or another port after the colon" $address) }}
{{- end }}
{{- regexFind "[0-9]+$" $address }}
{{- end }}

{{- define "cloudaudit-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cloudaudit-exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains (include "cloudaudit-exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "cloudaudit-exporter.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "cloudaudit-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Selects every pod of the release, of any shard. */}}
{{- define "cloudaudit-exporter.podSelector" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" . | quote }}
cloudaudit-exporter/shards-of: {{ include "cloudaudit-exporter.fullname" . | quote }}
{{- end }}

{{/* The suffix of a shard's names. The first shard has no suffix, so it keeps its name when you add shards. */}}
{{- define "cloudaudit-exporter.shardSuffix" -}}
{{- if . }}{{ printf "-shard-%d" . }}{{ end }}
{{- end }}

{{/* Selects the pods of one shard only. Parameters: root, ordinal. */}}
{{- define "cloudaudit-exporter.shardSelector" -}}
app.kubernetes.io/name: {{ include "cloudaudit-exporter.name" (first .) | quote }}
app.kubernetes.io/instance: {{ printf "%s%s" (first .).Release.Name (include "cloudaudit-exporter.shardSuffix" (last .)) | quote }}
{{- end }}

{{/* The labels of the pods of one shard. Parameters: root, ordinal. */}}
{{- define "cloudaudit-exporter.podLabels" -}}
{{- $labels := include "cloudaudit-exporter.shardSelector" . | fromYaml }}
{{- $labels := merge $labels (include "cloudaudit-exporter.podSelector" (first .) | fromYaml) }}
{{- $_ := set $labels "cloudaudit-exporter/shard" (last . | toString) }}
{{- toYaml (merge $labels (include "cloudaudit-exporter.labelsOf" (list (first .) (first .).Values.podLabels) | fromYaml)) }}
{{- end }}

{{- define "cloudaudit-exporter.labels" -}}
{{- include "cloudaudit-exporter.labelsOf" (list . dict) }}
{{- end }}

{{/* The labels of one object. The chart's own labels win, because selectors use them; then the labels of the object win
over commonLabels. Parameters: root, labels of this object. */}}
{{- define "cloudaudit-exporter.labelsOf" -}}
{{- $own := default dict (last .) }}
{{- with first . }}
{{- $ours := include "cloudaudit-exporter.selectorLabels" . | fromYaml }}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $ours "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .Release.Service }}
{{- toYaml (merge $ours $own .Values.commonLabels) }}
{{- end }}
{{- end }}

{{- define "cloudaudit-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cloudaudit-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "cloudaudit-exporter.image" -}}
{{- $repository := default "cloudaudit-exporter/cloudaudit-exporter" .Values.image.repository }}
{{- if and .Values.image.registry (not (regexMatch "^[^/]*[.:][^/]*/" $repository)) }}
{{- $repository = printf "%s/%s" .Values.image.registry $repository }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The volume claim of a shard. A state file has one writer, so shards share no claim. Parameters: root, ordinal. */}}
{{- define "cloudaudit-exporter.claim" -}}
{{- $made := printf "%s%s" (include "cloudaudit-exporter.fullname" (first .)) (include "cloudaudit-exporter.shardSuffix" (last .)) }}
{{- if last . }}{{ $made }}{{ else }}{{ default $made (first .).Values.persistence.existingClaim }}{{ end }}
{{- end }}

{{/* The name of the ConfigMap; empty if the exporter runs without a configuration file. */}}
{{- define "cloudaudit-exporter.configMap" -}}
{{- if .Values.existingConfigMap }}
{{- .Values.existingConfigMap }}
{{- else if .Values.config }}
{{- include "cloudaudit-exporter.fullname" . }}
{{- end }}
{{- end }}

{{/* A probe has one handler, so your handler replaces the chart's. The chart's handler follows --web.route-prefix, and uses
HTTPS if the listener has TLS, unless the probe sets the scheme. Parameters: root, name of the probe. */}}
{{- define "cloudaudit-exporter.probe" -}}
{{- $all := first . }}
{{- $probe := deepCopy (get $all.Values (last .)) }}
{{- $own := list }}
{{- range list "exec" "tcpSocket" "grpc" }}
{{- if get $probe . }}{{ $own = append $own . }}{{ else }}{{ $_ := unset $probe . }}{{ end }}
{{- end }}
{{- if gt (len $own) 1 }}
{{- fail (printf "%s: it has several handlers (%s); keep one" (last .) (join ", " $own)) }}
{{- end }}
{{- if or $own (not $probe.httpGet) }}
{{- $_ := unset $probe "httpGet" }}
{{- else }}
{{- $_ := merge $probe.httpGet (dict "port" "http" "path" (ternary "/-/ready" "/-/healthy" (eq (last .) "readinessProbe"))) }}
{{- if has $probe.httpGet.path (list "/-/healthy" "/-/ready") }}
{{- $_ := set $probe.httpGet "path" (printf "%s%s" (include "cloudaudit-exporter.routePrefix" $all) $probe.httpGet.path) }}
{{- end }}
{{- if $all.Values.webConfig.tls }}
{{- $_ := merge $probe.httpGet (dict "scheme" "HTTPS") }}
{{- end }}
{{- end }}
{{- if or $own $probe.httpGet }}
{{- toYaml (dict (last .) $probe) }}
{{- end }}
{{- end }}

{{/* The groups of rules, changed by the values: first labels and links as text, then alerts as objects. */}}
{{- define "cloudaudit-exporter.ruleGroups" -}}
{{- $owner := "" }}
{{- range .Values.prometheusRule.ownerLabels }}{{ $owner = printf "%s, %s" $owner . }}{{ end }}
{{- $home := printf "%s/blob/main/docs/alerts.md" .Chart.Home }}
{{- $alerts := default dict .Values.prometheusRule.alerts }}
{{- $names := list }}
{{- $groups := list }}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" }}
{{- $text := $.Files.Get $path | replace ", team, env)" (printf "%s)" $owner) | replace $home (default $home $.Values.prometheusRule.runbookBase) }}
{{- range (fromYaml $text).groups }}
{{- $rules := list }}
{{- range $rule := .rules }}
{{- with .alert }}{{ $names = append $names . }}{{ end }}
{{- if not (has .alert (default list $.Values.prometheusRule.disabledAlerts)) }}
{{- if .alert }}
{{- $own := default dict (get $alerts .alert) }}
{{- $severity := dict }}
{{- with $own.severity }}{{ $_ := set $severity "severity" . }}{{ end }}
{{- $_ := set . "labels" (merge $severity (default dict .labels) (default dict $.Values.prometheusRule.additionalRuleLabels)) }}
{{- with get $own "for" }}{{ $_ := set $rule "for" . }}{{ end }}
{{- if not $.Values.prometheusRule.keepFiringFor }}{{ $_ := unset . "keep_firing_for" }}{{ end }}
{{- end }}
{{- $rules = append $rules . }}
{{- end }}
{{- end }}
{{- $_ := set . "rules" $rules }}
{{- if $rules }}{{ $groups = append $groups . }}{{ end }}
{{- end }}
{{- end }}
{{- range $key, $given := dict "disabledAlerts" (default list .Values.prometheusRule.disabledAlerts) "alerts" (keys $alerts | sortAlpha) }}
{{- range $given }}
{{- if not (has . $names) }}
{{- fail (printf "prometheusRule.%s: there is no alert %q; the alerts are: %s" $key . ($names | uniq | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
