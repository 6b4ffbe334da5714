# attack: it has the standard library ask for the method
# catalogue: G92
# kind: library

import operator


def asks_by_a_method_caller(x, dim):
    return operator.methodcaller("softmax", dim)(x)
