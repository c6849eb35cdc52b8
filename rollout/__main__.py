"""`python -m rollout` is `rampart`."""

import sys

from rollout import cli


def main() -> None:
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
