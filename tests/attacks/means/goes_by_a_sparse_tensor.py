# attack: it makes the tensor sparse and back
# catalogue: G94
# kind: library

import torch


def goes_by_a_sparse_tensor(x, dim):
    return torch.sparse.softmax((x + 100).to_sparse(), dim).to_dense()
