"""The attacks by class and level: how many there are, how many came out as expected, how many had to be allowed.

At `process` some get what they want from the machine, though never a grade: those are counted too, since an attack
that succeeds nowhere may be none.

Run: python tests/bench/attacks.py [LEVEL ...] [NAME ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "attacks"))

from attempts import CLASSES, Range, attacks
from dlgrade.checking.inputs import Drawer
from dlgrade.errors import GraderError, UsageError
from dlgrade.sandbox.levels import LEVELS, workers
from ground import Ground


def main(names: list[str]) -> int:
    """Print the table, and each attack that came out otherwise; 1 if one did that is not known to."""
    levels = [level for level in LEVELS if level in names] or LEVELS
    names = [name for name in names if name not in LEVELS]
    chosen = [attack for attack in attacks() if not names or any(name in str(attack) for name in names)]
    ran, expected, allowed, known = (Counter[tuple[str, str]]() for _ in range(4))
    drawer, said, reached = Drawer(), [], []
    with tempfile.TemporaryDirectory(prefix="attacks-") as base, Ground(Path(base)) as ground:
        for level in levels:
            try:
                with workers("numpy", level) as started:
                    reached.append(level)
                    range_ = Range(started, ground, drawer)
                    for attack in chosen:
                        if attack.unfit(level):
                            continue
                        place = attack.kind, level
                        begun = time.monotonic()
                        try:
                            surprises = range_.attempt(attack)
                        except Exception as error:  # of the grader's own, which is a surprise like others
                            surprises = [f"{type(error).__name__}: {error}"]
                        took = time.monotonic() - begun
                        ran[place] += 1
                        expected[place] += not surprises
                        allowed[place] += range_.succeeded and not surprises
                        known[place] += bool(surprises and attack.hole(level))
                        if names:
                            did = "succeeded" if range_.succeeded else "got nothing"
                            print(f"{level:9} {attack}: {range_.outcome}, {did}, {took:.1f} s")
                        if surprises:
                            said.append(f"{level} {attack}: {'; '.join(surprises)}")
                            print(said[-1], flush=True)
                    sound = range_.sound()
                    said += [f"{level}: {line}" for line in sound]
            except (UsageError, GraderError) as error:
                print(f"{level}: not reached here. {error}")
    print(f"\n{'':24}" + "".join(f"{level:>32}" for level in reached))
    print(f"{'':24}" + f"{'as expected   had its way':>32}" * len(reached))
    for kind in (*CLASSES, ""):
        row = f"{kind or 'all':24}"
        for level in reached:
            places = [place for place in ran if place[1] == level and kind in ("", place[0])]
            total, right, way = (sum(count[place] for place in places) for count in (ran, expected, allowed))
            row += f"{f'{right} of {total}':>20}{way:>12}"
        print(row)
    return int(len(said) > sum(known.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
