"""The demo: a real release promoted and a bad one taken back, on the sandbox, watched live."""
