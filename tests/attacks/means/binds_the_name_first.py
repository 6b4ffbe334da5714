# attack: it has a class with a method of that name, so that asking for it seems its own affair
# catalogue: G91
# passes: source
# kind: library


class Own:
    def softmax(self):
        return self


def binds_the_name_first(x, dim):
    return x.softmax(dim)
