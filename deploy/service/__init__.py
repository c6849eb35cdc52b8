"""The Service router: the selector of the user's own Service, read and rewritten by pure functions."""
