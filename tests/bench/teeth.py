"""Each layer of isolation and an attack that succeeds without it: with everything, without the layer, with it again.

Run: python tests/bench/teeth.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "sandbox"))

from dlgrade.sandbox.forks import Unconfined
from teeth import TEETH, succeeds


def main() -> int:
    """Print the table; 1 if a layer has no teeth or does not hold."""
    toothless = 0
    print(f"{'layer':<14}{'level':<10}{'with all':<10}{'without it':<12}{'it, less the others':<21}attack")
    for tooth in TEETH:
        try:
            tries = [succeeds(tooth, w) for w in ((), (tooth.layer, *tooth.also), tooth.also)]
        except Unconfined as error:
            print(f"{tooth.layer:<14}{tooth.level:<10}{error}")
            continue
        toothless += tries != [False, True, False]
        whole, without, alone = ("succeeds" if done else "fails" for done in tries)
        others = f" (also left out: {', '.join(tooth.also)})" if tooth.also else ""
        print(f"{tooth.layer:<14}{tooth.level:<10}{whole:<10}{without:<12}{alone:<21}{tooth.attack}{others}")
    return 1 if toothless else 0


if __name__ == "__main__":
    raise SystemExit(main())
