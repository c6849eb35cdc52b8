{{/*
The rights. Each is needed: tests/rights/needs.py names the function that fails without it, and tests/e2e/test_rights.py
takes each away on a real API server. No Secrets, no ConfigMaps, no wildcards, no roles. Asking for its own rights (selfsubjectaccessreviews) is everybody's by default. Owner references made by the
controller do not block the owner's deletion, so no right on finalizers subresources is needed where the admission
plugin OwnerReferencesPermissionEnforcement runs.
*/}}
{{- define "rampart.rights.work" -}}
# The users' Deployments are only ever patched; canaries are created and deleted.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# Temporary Services are created and deleted; without a mesh the selector of the user's own is written.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, create, update, patch, delete]
# What is said at opt-in: autoscalers, budgets and volumes that behave otherwise while a canary runs.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
- apiGroups: [rampart.dev]
  resources: [releases]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rampart.dev]
  resources: [releases/status]
  verbs: [patch]
- apiGroups: [rampart.dev]
  resources: [releasepolicies]
  verbs: [list, watch]
# Routes are listed and watched in the whole cluster, see below. Yours are updated, and patched to give up what the
# server notes as ours in them; temporary ones are created and deleted.
- apiGroups: [networking.istio.io]
  resources: [virtualservices]
  verbs: [get, create, update, patch, delete]
- apiGroups: [split.smi-spec.io]
  resources: [trafficsplits]
  verbs: [get, create, update, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, create, update, patch, delete]
# No GRPCRoute is a temporary one.
- apiGroups: [gateway.networking.k8s.io]
  resources: [grpcroutes]
  verbs: [get, update, patch]
# Only ours: subsets for legs, and copies for legs of what hangs on a Service by its name.
- apiGroups: [networking.istio.io]
  resources: [destinationrules]
  verbs: [get, create, update, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [backendtlspolicies]
  verbs: [get, create, update, delete]
{{- end -}}

{{/* What is read of the whole cluster, whichever namespaces are watched. */}}
{{- define "rampart.rights.cluster" -}}
# A route may stand in any namespace.
- apiGroups: [networking.istio.io]
  resources: [virtualservices, destinationrules]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes, backendtlspolicies, referencegrants]
  verbs: [list, watch]
- apiGroups: [split.smi-spec.io]
  resources: [trafficsplits]
  verbs: [list, watch]
# Linkerd follows a ServiceProfile instead of routes.
- apiGroups: [linkerd.io]
  resources: [serviceprofiles]
  verbs: [list, watch]
{{- if eq (include "rampart.hold.mode" .) "policies" }}
# To see when the hold itself is changed.
- apiGroups: [admissionregistration.k8s.io]
  resources:
    - mutatingadmissionpolicies
    - mutatingadmissionpolicybindings
    - validatingadmissionpolicies
    - validatingadmissionpolicybindings
  verbs: [list, watch]
{{- end }}
{{- end -}}

{{- define "rampart.rights.lease" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end -}}

{{- define "rampart.subjects" -}}
- kind: ServiceAccount
  name: {{ include "rampart.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
