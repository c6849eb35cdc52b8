"""Routes by SMI TrafficSplits, as the pure half of a router."""
