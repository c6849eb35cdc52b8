{{- define "rampart.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "rampart" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-rampart" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rampart.selector" -}}
app.kubernetes.io/name: rampart
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rampart.labels" -}}
{{ include "rampart.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "rampart.account" -}}
{{- .Values.serviceAccount.name | default (include "rampart.fullname" .) -}}
{{- end -}}

{{/* The user whose writes the hold lets through. */}}
{{- define "rampart.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "rampart.account" . }}
{{- end -}}

{{- define "rampart.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "rampart.lease" -}}
{{- .Values.leaderElection.leaseName | default (include "rampart.fullname" .) -}}
{{- end -}}

{{/* Which namespaces the hold's bindings select: exactly those that the controller watches. */}}
{{- define "rampart.hold.where" -}}
{{- with .Values.namespaces -}}
matchResources:
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: {{- toYaml . | nindent 10 }}
{{- end -}}
{{- end -}}

{{/* Nothing is installed where a changed template could not be held: it would roll out by itself, unjudged. */}}
{{- define "rampart.hold.check" -}}
{{- $api := "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- if eq .Values.hold.mode "pause" -}}
{{- fail "hold.mode pause (opted-in Deployments kept paused at rest, for clusters before 1.36) does not exist in this version; leave hold.mode at auto and use Kubernetes 1.36 or newer" -}}
{{- end -}}
{{- if and (eq .Values.hold.mode "auto") (not (.Capabilities.APIVersions.Has $api)) -}}
{{- fail (printf "this cluster (%s) does not serve %s, by which a changed pod template is held until it is judged: use Kubernetes 1.36 or newer; where only the renderer does not know it (helm template, GitOps), set hold.mode=policies" .Capabilities.KubeVersion.Version $api) -}}
{{- end -}}
{{- end -}}
