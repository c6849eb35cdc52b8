{{/*
The controller's settings (rollout/settings.py) and the values they come from: [NAME, value]. A value that is not
given is not rendered, so that the controller's own default holds. tests/chart/test_settings.py compares both sides.
*/}}
{{- define "rampart.settings.plain" -}}
{{- $v := .Values -}}
{{- list
  (list "PROMETHEUS_URL" $v.prometheus.url)
  (list "PROMETHEUS_TIMEOUT" $v.prometheus.timeout)
  (list "PROMETHEUS_USER" $v.prometheus.user)
  (list "PROMETHEUS_INSECURE" $v.prometheus.insecure)
  (list "PROMETHEUS_HEADERS" $v.prometheus.headers)
  (list "MESH" $v.mesh)
  (list "METRIC_NAMES" $v.metricNames)
  (list "NAMESPACES" $v.namespaces)
  (list "CLUSTER_DOMAIN" $v.clusterDomain)
  (list "HOLD" (ternary "pause" nil (eq (include "rampart.hold.mode" .) "pause")))
  (list "LISTEN" (printf "$(POD_IP):%d" (int $v.port)))
  (list "WORKERS" $v.controller.workers)
  (list "SETTLE" $v.controller.settle)
  (list "DRAIN" $v.controller.drain)
  (list "LOOK" $v.controller.look)
  (list "WARM_UP" $v.controller.warmUp)
  (list "MIN_DURATION" $v.controller.minDuration)
  (list "MIN_REQUESTS" $v.controller.minRequests)
  (list "KEEP" $v.controller.keep)
  (list "DEFAULTS" $v.defaults)
  (list "LOG_LEVEL" $v.logLevel)
  (list "LEADER_ELECT" $v.leaderElection.enabled)
  (list "LEASE_NAMESPACE" .Release.Namespace)
  (list "LEASE_NAME" (include "rampart.lease" .))
  (list "LEASE_SECONDS" $v.leaderElection.leaseSeconds)
  (list "WEBHOOK_EVENTS" $v.webhook.events)
| toJson -}}
{{- end -}}

{{/* The same for settings that are files: each is a key of a Secret or ConfigMap, mounted in a directory of its own. */}}
{{- define "rampart.settings.files" -}}
{{- $v := .Values -}}
{{- list
  (list "PROMETHEUS_TOKEN_FILE" $v.prometheus.tokenFile)
  (list "PROMETHEUS_PASSWORD_FILE" $v.prometheus.passwordFile)
  (list "PROMETHEUS_CA_FILE" $v.prometheus.caFile)
  (list "PROMETHEUS_CERTIFICATE_FILE" $v.prometheus.certificateFile)
  (list "PROMETHEUS_KEY_FILE" $v.prometheus.keyFile)
  (list "WEBHOOK_URL_FILE" $v.webhook.urlFile)
  (list "WEBHOOK_SECRET_FILE" $v.webhook.secretFile)
  (list "KUBECONFIG" $v.kubeconfigFile)
| toJson -}}
{{- end -}}

{{- define "rampart.env" -}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- range include "rampart.settings.plain" . | fromJsonArray }}
{{- $name := index . 0 }}
{{- $value := index . 1 }}
{{- $text := "" }}
{{- if kindIs "map" $value }}{{ if $value }}{{ $text = toJson $value }}{{ end }}
{{- else if kindIs "slice" $value }}{{ $text = join "," $value }}
{{- else if kindIs "string" $value }}{{ $text = $value }}
{{- else if not (kindIs "invalid" $value) }}{{ $text = toJson $value }}
{{- end }}
{{- if $text }}
- name: RAMPART_{{ $name }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- range include "rampart.settings.files" . | fromJsonArray }}
{{- $name := index . 0 }}
{{- with index . 1 }}
- name: RAMPART_{{ $name }}
  value: {{ printf "/run/rampart/%s/%s" ($name | lower | replace "_" "-") .key | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rampart.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range include "rampart.settings.files" . | fromJsonArray }}
{{- $name := index . 0 | lower | replace "_" "-" }}
{{- with index . 1 }}
- {name: {{ $name }}, mountPath: /run/rampart/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{- define "rampart.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 16Mi}
{{- range include "rampart.settings.files" . | fromJsonArray }}
{{- $name := index . 0 | lower | replace "_" "-" }}
{{- with index . 1 }}
- name: {{ $name }}
  {{- if .secret }}
  secret: {secretName: {{ .secret }}, defaultMode: 0440}
  {{- else }}
  configMap: {name: {{ .configMap }}, defaultMode: 0440}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}
