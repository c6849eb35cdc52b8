"""Pair mode."""
