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

{{/*
What keeps a changed template from rolling out: policies, or pause. Older clusters than 1.36 can not hold a write, so
the controller keeps opted-in Deployments paused there. Nothing is guessed where no cluster is asked: a cluster that
could hold them would go without.
*/}}
{{- define "rampart.hold.mode" -}}
{{- $api := "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- if ne .Values.hold.mode "auto" -}}
{{- .Values.hold.mode -}}
{{- else if .Capabilities.APIVersions.Has $api -}}
policies
{{- else if lookup "v1" "Namespace" "" "kube-system" -}}
pause
{{- else -}}
{{- fail (printf "hold.mode is auto, and this renderer does not know whether the cluster serves %s: set hold.mode=policies for Kubernetes 1.36 or newer, hold.mode=pause for older ones (opted-in Deployments are kept paused at rest)" $api) -}}
{{- end -}}
{{- end -}}

{{/* Variables that the hold's policies share. They need notes and oldNotes, the annotations after and before the write. */}}
{{- define "rampart.hold.paired" -}}
# Pair mode: both Deployments are the user's, and roll natively while they have no traffic.
- name: paired
  expression: >-
    'rampart.dev/canary-of' in variables.notes
    || 'rampart.dev/canary-of' in variables.oldNotes && !('rampart.dev/strategy' in variables.notes)
{{- end -}}

{{/* Whether the write changes the pod template. */}}
{{- define "rampart.hold.changes" -}}
- name: podNotes
  expression: "object.spec.template.?metadata.?annotations.orValue({})"
- name: oldPodNotes
  expression: "oldObject.spec.template.?metadata.?annotations.orValue({})"
# kubectl rollout restart is not a new version.
- name: templateChanged
  expression: >-
    object.spec.template.spec != oldObject.spec.template.spec
    || object.spec.template.?metadata.?labels.orValue({}) != oldObject.spec.template.?metadata.?labels.orValue({})
    || variables.podNotes.exists(k, k != 'kubectl.kubernetes.io/restartedAt'
         && variables.oldPodNotes[?k] != optional.of(variables.podNotes[k]))
    || variables.oldPodNotes.exists(k, k != 'kubectl.kubernetes.io/restartedAt' && !(k in variables.podNotes))
{{- end -}}
