# attack: it matches the tensor against a pattern that asks for the method
# catalogue: G92
# kind: library


def asks_by_a_pattern(x, dim):
    match x:
        case object(softmax=found):
            return found(dim)
