"""What holds for all tests: property tests judge values and not this machine's speed, and draw the same each time."""

import hypothesis

hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")
