# attack: it runs in a thread of its own, where nobody listens
# catalogue: G98
# passes: record
# kind: evasion

import threading


def runs_in_a_thread(run, x, dim):
    found = []
    thread = threading.Thread(target=lambda: found.append(run()))
    thread.start()
    thread.join()
    return found[0]
