"""A disposable real cluster on one Linux machine: no root, no container runtime, nothing left behind."""
