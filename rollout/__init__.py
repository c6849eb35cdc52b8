"""The head: plans, the state machine, the loop that runs releases, and the command line."""
