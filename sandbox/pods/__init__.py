"""Pods without containers: what a pod does, serves, reports and exports."""
