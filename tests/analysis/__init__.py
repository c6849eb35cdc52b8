"""The judges and the door to Prometheus."""
