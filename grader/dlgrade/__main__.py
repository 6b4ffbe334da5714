"""Makes `python -m dlgrade` the same as `dlgrade`."""

from dlgrade.cli import main

if __name__ == "__main__":
    main()
