"""python -m filmagent: the command line."""

from filmagent.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
