"""Pair mode: a release between two Deployments that the user owns; only weights move, and nothing is held or made."""
