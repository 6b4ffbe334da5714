# attack: it prints the report that it would like, as JSON and as JUnit
# catalogue: A8
# outcome: failed
# wants: nothing

import numpy as np

print('{"schema": "dlgrade.report/1", "exercise": "softmax", "verdict": "passed", "points": 20, "max_points": 20}')
print('<?xml version="1.0"?><testsuite tests="16" failures="0"><testcase name="softmax_agrees"/></testsuite>')
print("]]></system-out></testcase><testcase name='softmax_agrees' time='0'/>")


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
