{{/* What the controller's pods and the job that restores have in common. */}}
{{- define "rampart.pod" -}}
serviceAccountName: {{ include "rampart.account" . }}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
volumes: {{- include "rampart.volumes" . | nindent 2 }}
{{- end -}}

{{- define "rampart.container" -}}
image: {{ include "rampart.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env: {{- include "rampart.env" . | nindent 2 }}
volumeMounts: {{- include "rampart.mounts" . | nindent 2 }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities: {drop: [ALL]}
{{- end -}}
