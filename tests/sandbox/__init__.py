"""The sandbox: its small parts by themselves, and once all of it for real."""
