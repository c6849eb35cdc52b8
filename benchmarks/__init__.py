"""What this project claims, measured: each module prints a rate or a ratio (`python -m benchmarks.X [runs]`)."""
