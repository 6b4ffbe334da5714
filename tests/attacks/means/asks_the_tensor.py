# attack: it calls the tensor's own method
# catalogue: G91
# kind: library


def asks_the_tensor(x, dim):
    return x.softmax(dim)
