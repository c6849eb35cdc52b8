"""The hand on the metrics: questions to Prometheus and verdicts; knows no Kubernetes and no phases."""
