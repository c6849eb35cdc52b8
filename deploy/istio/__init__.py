"""The Istio router: VirtualServices and DestinationRules, read and rewritten by pure functions."""
