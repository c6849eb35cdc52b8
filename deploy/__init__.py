"""The hand on the cluster: routes, workloads, the hold, and the door to the API server."""
