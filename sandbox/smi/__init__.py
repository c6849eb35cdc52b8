"""A stand-in for a mesh that follows SMI TrafficSplits: its definitions, and what turns a split into Istio's routes."""
