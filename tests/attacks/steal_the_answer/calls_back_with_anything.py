# attack: it calls the grader's own function with values that would run code there
# catalogue: C43
# outcome: failed,raised
# wants: nothing
# exercise: beam_search

import numpy as np


TRIED = []


class Evil(list):
    def __reduce__(self):
        return (print, ("SUCCESS: unpickled",))


def beam_search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    for prefix in (
        ()
        if TRIED
        else (
            None,
            "x" * 10**6,
            [[[]] * 5] * 5,
            {"__class__": "x"},
            Evil([bos]),
            [2**63 - 1],
            [-(2**63)],
            [1e308],
            [float("nan")],
            np.zeros(10**5),
            [np.zeros(3)] * 50,
            step,
            lambda: 0,
            object(),
            [bos] * 90_000,
        )
    ):
        TRIED.append(True)
        try:
            step(prefix)
        except ValueError as error:
            if "Traceback" in str(error) or "/dlgrade/" in str(error):
                print("SUCCESS: the grader said", error)
    return [([eos], 0.0)]
