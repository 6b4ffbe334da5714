"""Right programs for exercises on tensors, as somebody would write them: the source of `f`, a call, its result."""

from __future__ import annotations

import torch

Case = tuple[tuple[torch.Tensor, ...], torch.Tensor]

F = torch.nn.functional
X = torch.linspace(-3, 5, 24, dtype=torch.float64).reshape(2, 3, 4).sin() * 3
IMAGES = torch.linspace(-1, 1, 2 * 3 * 6 * 6, dtype=torch.float64).cos().reshape(2, 3, 6, 6)
KERNELS = torch.linspace(-1, 1, 4 * 3 * 3 * 3, dtype=torch.float64).sin().reshape(4, 3, 3, 3)
LABELS = torch.tensor([[1, 0, 3], [2, 2, 1]])

SOFTMAX = (X,), torch.softmax(X, -1)
LSE = (X,), torch.logsumexp(X, -1)
ENTROPY = (X[0], LABELS[0]), F.cross_entropy(X[0], LABELS[0])
ATTENTION = (X, X * 0.5, X * X), F.scaled_dot_product_attention(X, X * 0.5, X * X)
CAUSAL = (X, X * 0.5, X * X), F.scaled_dot_product_attention(X, X * 0.5, X * X, is_causal=True)
CONV = (IMAGES, KERNELS), F.conv2d(IMAGES, KERNELS)
PADDED = (IMAGES, KERNELS), F.conv2d(IMAGES, KERNELS, padding=1)
POOL = (IMAGES,), F.max_pool2d(IMAGES, 2)
NORM = (IMAGES,), F.batch_norm(IMAGES, None, None, training=True)
SAME = (X,), X


def lstm_case() -> Case:
    cell = torch.nn.LSTM(4, 3, dtype=torch.float64)
    with torch.no_grad():
        for number, weights in enumerate(cell.parameters()):
            weights.copy_(torch.linspace(-1, 1, weights.numel()).sin().reshape(weights.shape) + number / 10)
        w_x, w_h, b_x, b_h = (held.detach() for held in cell.parameters())
        return (X, w_x, w_h, b_x + b_h), cell(X)[0]


def beams_case() -> Case:
    """Beams of two over three steps lose nothing here, so that a search over all sequences finds the same."""
    initial, transition = torch.log_softmax(X[0, 0], -1), torch.log_softmax(X[:, :2].reshape(4, 4), -1)
    every = initial[:, None, None] + transition[:, :, None] + transition[None]
    return (initial, transition), every.flatten().topk(2).values


LSTM = lstm_case()
BEST = beams_case()

RIGHT: dict[str, tuple[str, Case]] = {
    # softmax and its kin
    "softmax, plainly": (
        """
        def f(x):
            e = torch.exp(x - x.amax(-1, keepdim=True))
            return e / e.sum(-1, keepdim=True)
        """,
        SOFTMAX,
    ),
    "softmax by methods": (
        """
        def f(x):
            e = x.sub(x.max(dim=-1, keepdim=True).values).exp()
            return e.div(e.sum(dim=-1, keepdim=True))
        """,
        SOFTMAX,
    ),
    "the largest by unpacking": (
        """
        def f(x):
            top, _ = x.max(-1, keepdim=True)
            e = (x - top).exp()
            return e * e.sum(-1, keepdim=True).reciprocal()
        """,
        SOFTMAX,
    ),
    "the largest by index": (
        """
        def f(x):
            e = (x - torch.max(x, -1, True)[0]).exp()
            return e / torch.sum(e, -1, True)
        """,
        SOFTMAX,
    ),
    "in place on its own tensor": (
        """
        def f(x):
            e = x.clone()
            e -= x.amax(-1, True)
            e.exp_()
            e /= e.sum(-1, True)
            return e
        """,
        SOFTMAX,
    ),
    "by out=": (
        """
        def f(x):
            e = torch.empty_like(x)
            torch.sub(x, x.amax(-1, True), out=e)
            torch.exp(e, out=e)
            return torch.div(e, e.sum(-1, True), out=e)
        """,
        SOFTMAX,
    ),
    "torch under a name": (
        """
        import torch as t
        def f(x: t.Tensor) -> t.Tensor:
            e = t.exp(x - t.amax(x, -1, True))
            return e / t.sum(e, -1, True)
        """,
        SOFTMAX,
    ),
    "from torch import": (
        """
        from torch import Tensor, exp, amax
        def f(x: Tensor, dim: int = -1) -> Tensor:
            e = exp(x - amax(x, dim, True))
            return e / e.sum(dim, True)
        """,
        SOFTMAX,
    ),
    "logarithm first": (
        """
        def f(x):
            z = x - x.amax(-1, True)
            return (z - z.exp().sum(-1, True).log()).exp()
        """,
        SOFTMAX,
    ),
    "einsum": (
        """
        def f(x):
            e = torch.exp(x - x.amax(-1, True))
            return torch.einsum('abc,ab->abc', e, 1 / torch.einsum('abc->ab', e))
        """,
        SOFTMAX,
    ),
    "the last dimension first": (
        """
        def f(x):
            e = x.movedim(-1, 0)
            e = torch.exp(e - e.max(0).values)
            return (e / e.sum(0)).movedim(0, -1)
        """,
        SOFTMAX,
    ),
    "logsumexp by hand": (
        """
        def f(x):
            m = x.amax(-1, keepdim=True)
            return m.squeeze(-1) + (x - m).exp().sum(-1).log()
        """,
        LSE,
    ),
    "logsumexp by logaddexp": (
        """
        import functools
        def f(x):
            return functools.reduce(torch.logaddexp, x.unbind(-1))
        """,
        LSE,
    ),
    "logsumexp online": (
        """
        import math
        def f(x):
            m = torch.full(x.shape[:-1], -math.inf, dtype=x.dtype)
            s = torch.zeros_like(m)
            for column in x.unbind(-1):
                new = torch.maximum(m, column)
                s = s * torch.exp(m - new) + torch.exp(column - new)
                m = new
            return m + s.log()
        """,
        LSE,
    ),
    "a mask by where": (
        """
        def f(x):
            keep = torch.ones_like(x, dtype=torch.bool)
            x = torch.where(keep, x, torch.finfo(x.dtype).min)
            e = (x - x.amax(-1, True)).exp()
            return e / e.sum(-1, True)
        """,
        SOFTMAX,
    ),
    "a mask of minus infinity": (
        """
        def f(x):
            keep = x.isfinite()
            x = x.masked_fill(~keep, float('-inf'))
            e = (x - x.amax(-1, True)).exp()
            return e / e.sum(-1, True).clamp_min(torch.finfo(x.dtype).tiny)
        """,
        SOFTMAX,
    ),
    # an own class, closures, decorators
    "custom backward": (
        """
        class Softmax(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                e = (x - x.amax(-1, True)).exp()
                p = e / e.sum(-1, True)
                ctx.save_for_backward(p)
                return p
            @staticmethod
            def backward(ctx, grad):
                (p,) = ctx.saved_tensors
                if not ctx.needs_input_grad[0]:
                    return None
                return p * (grad - (p * grad).sum(-1, True))
        def f(x):
            return Softmax.apply(x)
        """,
        SOFTMAX,
    ),
    "Function by name": (
        """
        from torch.autograd import Function
        from torch.autograd.function import once_differentiable
        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                ctx.mark_non_differentiable()
                return y
            @staticmethod
            @once_differentiable
            def backward(ctx, grad):
                return grad * ctx.saved_tensors[0]
        def f(x):
            e = Exp.apply(x)
            return e / e.sum(-1, True)
        """,
        SOFTMAX,
    ),
    "class with methods named like a tensor's": (
        """
        class Scores:
            def __init__(self, x, dim=-1):
                self.x, self.dim = x, dim
                self._cache = None
            def softmax(self):
                if self._cache is None:
                    self._cache = self.conv1d().exp()
                return self._cache / self._cache.sum(self.dim, True)
            def conv1d(self):
                return self.x - self.x.amax(self.dim, True)
        def f(x):
            return Scores(x).softmax()
        """,
        SOFTMAX,
    ),
    "class with private names": (
        """
        class Holder:
            limit = 3
            def __init__(self, x):
                self.__held = x
            def __len__(self):
                return len(self.__held)
            def __getitem__(self, i):
                return self.__held[i]
            def __repr__(self):
                return f'{type(self).__name__}({len(self)}, {self.__class__.__qualname__})'
        def f(x):
            held = Holder(x)
            assert str(held)
            return torch.stack([held[i] for i in range(len(held))])
        """,
        SAME,
    ),
    "inheritance": (
        """
        from abc import ABC, abstractmethod
        class Base(ABC):
            def __init__(self, name):
                super().__init__()
                self.name = name
            @abstractmethod
            def norm(self, x): ...
            def __call__(self, x):
                return self.norm(x)
        class Own(Base):
            def norm(self, x):
                return x / 1
        def f(x):
            return Own('own')(x)
        """,
        SAME,
    ),
    "dataclass": (
        """
        from dataclasses import dataclass, field, replace
        @dataclass(frozen=True)
        class State:
            total: torch.Tensor
            softmax: torch.Tensor | None = None
            seen: list[int] = field(default_factory=list)
            def done(self):
                return self.total if self.softmax is None else self.softmax
        def f(x):
            return replace(State(x), seen=[1]).done()
        """,
        SAME,
    ),
    "named tuple": (
        """
        from typing import NamedTuple
        from collections import namedtuple
        class State(NamedTuple):
            h: torch.Tensor
            c: torch.Tensor
        Pair = namedtuple('Pair', 'values indices')
        def f(x):
            state = State(x, x)._replace(c=x * 2)
            pair = Pair(state.h, state._asdict()['c'])
            return Pair._make(pair).values
        """,
        SAME,
    ),
    "enum": (
        """
        from enum import Enum
        class Mode(Enum):
            TRAIN = 'train'
            LAYER_NORM = 'test'
        def f(x):
            return x if Mode.TRAIN.name == 'TRAIN' and Mode('test').value and Mode.LAYER_NORM else -x
        """,
        SAME,
    ),
    "closure": (
        """
        def stepper(scale):
            count = 0
            def step(x):
                nonlocal count
                count += 1
                return x * scale
            return step
        def f(x):
            return stepper(1.0)(x)
        """,
        SAME,
    ),
    "partial and reduce": (
        """
        import functools, operator
        from functools import partial
        def f(x):
            n = functools.reduce(operator.mul, x.shape, 1)
            assert n == x.numel()
            return partial(torch.mul, other=1.0)(x)
        """,
        SAME,
    ),
    "a decorator": (
        """
        import functools
        def checked(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)
            return inner
        @checked
        @torch.no_grad()
        def f(x):
            return x
        """,
        SAME,
    ),
    "contexts": (
        """
        import contextlib, warnings
        def f(x):
            with contextlib.nullcontext(), torch.no_grad(), warnings.catch_warnings():
                with torch.set_grad_enabled(False), torch.inference_mode(False):
                    return x + 0
        """,
        SAME,
    ),
    "match": (
        """
        def f(x):
            match x.shape:
                case (n, *rest) if n > 0:
                    return x.reshape(n, *rest)
                case other:
                    raise ValueError(f'{other}')
        """,
        SAME,
    ),
    "errors": (
        """
        def f(x):
            try:
                return x[None][0]
            except (IndexError, ValueError) as error:
                raise RuntimeError(f'bad shape {tuple(x.shape)!r}: {error}') from error
        """,
        SAME,
    ),
    "main": (
        """
        def f(x):
            return x
        if __name__ == '__main__':
            torch.manual_seed(0)
            torch.set_printoptions(precision=3)
            x = torch.randn(2, 3)
            print(f(x), f(x).sum(-1), f'{f(x).mean().item():.3f}')
            torch.testing.assert_close(f(x), x)
            assert torch.allclose(f(x), x)
            assert torch.autograd.gradcheck(f, (x.double().requires_grad_(),))
        """,
        SAME,
    ),
    "annotations": (
        """
        from __future__ import annotations
        import torch
        from collections.abc import Callable, Sequence
        from typing import TYPE_CHECKING, Any, Optional, Protocol, TypeVar
        T = TypeVar('T', bound=torch.Tensor)
        Shape = torch.Size | tuple[int, ...]
        def f(
            x: torch.Tensor, d: torch.dtype | None = None, on: Optional[torch.device] = None, more: Sequence[Any] = ()
        ) -> torch.Tensor:
            y: torch.FloatTensor = x
            return y
        """,
        SAME,
    ),
    "lists and dictionaries": (
        """
        def f(x):
            rows = {i: row for i, row in enumerate(x)}
            order = sorted(rows.keys(), key=lambda i: -i)
            order.sort()
            order.reverse()
            where = order.index(0)
            assert where == len(order) - 1 and order.copy().count(0) == 1
            for a, b in zip(rows.values(), x, strict=True):
                assert a.equal(b)
            words = 'a,b'.split(',')
            assert ' '.join(w.strip().upper() for w in words).format()
            return torch.stack(list(rows.values()))
        """,
        SAME,
    ),
    "heap": (
        """
        import heapq
        from collections import Counter, defaultdict, deque
        from itertools import count, product
        def f(x):
            heap, tie = [], count()
            for i, row in enumerate(x):
                heapq.heappush(heap, (i, next(tie), row))
            seen = defaultdict(list)
            seen['a'].append(1)
            queue = deque(heapq.heappop(heap)[-1] for _ in range(len(heap)))
            assert Counter('aab').most_common(1)[0][0] == 'a'
            return torch.stack(list(queue))
        """,
        SAME,
    ),
    "math": (
        """
        import math
        from math import inf, sqrt
        def f(x):
            return x * sqrt(4) / math.sqrt(4) * math.prod((1, 1)) + (0 if inf > 1 else math.nan)
        """,
        SAME,
    ),
    "everything from math": (
        """
        from math import *
        def f(x):
            return x * sqrt(pi) / sqrt(pi)
        """,
        SAME,
    ),
    "copies": (
        """
        import copy
        from copy import deepcopy
        def f(x):
            return copy.copy([deepcopy(x)])[0]
        """,
        SAME,
    ),
    "time and random in a trial": (
        """
        import random, time
        def f(x):
            random.seed(0)
            start = time.perf_counter()
            y = x + random.randrange(1)
            assert time.perf_counter() >= start
            return y
        """,
        SAME,
    ),
    # shapes and views
    "views": (
        """
        def f(x):
            y = x.transpose(0, 1).contiguous().view(3, -1).unsqueeze(0).expand(2, -1, -1)[0]
            return y.unflatten(-1, (2, 4)).permute(1, 0, 2).reshape(x.shape)
        """,
        SAME,
    ),
    "transposes": (
        """
        def f(x):
            assert x.ndim == x.dim() == 3 and x.shape[-1] == x.size(-1)
            return torch.stack([row.T.mT.t().T for row in x])
        """,
        SAME,
    ),
    "slices": (
        """
        def f(x):
            y = torch.empty_like(x)
            y[:, ::2] = x[:, ::2]
            y[..., 1::2, :] = x[..., 1::2, :]
            y[0, 0, 0] += 0
            return y.flip(-1).flip((-1,))
        """,
        SAME,
    ),
    "stack, cat, split": (
        """
        def f(x):
            a, b = x.chunk(2)
            return torch.cat((a, *b.split(1)), dim=0).roll(1, 0).roll(-1, 0)
        """,
        SAME,
    ),
    "in and out of another dtype": (
        """
        def f(x):
            y = x.to(torch.float64, copy=True).type_as(x).type(x.dtype).to(x)
            assert y.device.type == 'cpu'
            return y.double() if x.is_floating_point() and y.dtype is not torch.float32 else y.float()
        """,
        SAME,
    ),
    "devices": (
        """
        def f(x):
            device = torch.device('cuda' if x.is_cuda and torch.cuda.is_available() else 'cpu')
            steps = torch.arange(x.shape[0], device=x.device, dtype=torch.long)
            return x.to(device).index_select(0, steps).cpu()
        """,
        SAME,
    ),
    "new tensors": (
        """
        def f(x):
            z = x.new_zeros(x.shape) + x.new_full((1,), 1) - torch.ones(1, dtype=x.dtype)
            z = z + torch.zeros(()).to(x) + x.new_tensor([0])
            return z + x
        """,
        SAME,
    ),
    "numbers out": (
        """
        def f(x):
            top = int(x.argmax().item())
            assert x.flatten()[top].tolist() == float(x.max())
            return x
        """,
        SAME,
    ),
    # attention
    "attention": (
        """
        import math
        def f(q, k, v):
            s = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
            p = torch.exp(s - s.amax(-1, keepdim=True))
            return (p / p.sum(-1, keepdim=True)) @ v
        """,
        ATTENTION,
    ),
    "attention by einsum": (
        """
        def f(q, k, v):
            s = torch.einsum('...qd,...kd->...qk', q, k) * q.size(-1) ** -0.5
            p = (s - s.max(-1, keepdim=True).values).exp_()
            return torch.einsum('...qk,...kd->...qd', p, v) / p.sum(-1)[..., None]
        """,
        ATTENTION,
    ),
    "attention by baddbmm": (
        """
        def f(q, k, v):
            s = torch.baddbmm(q.new_empty(()), q, k.mT, beta=0, alpha=q.shape[-1] ** -0.5)
            p = s.sub_(s.amax(-1, True)).exp_()
            return torch.bmm(p.div_(p.sum(-1, True)), v)
        """,
        ATTENTION,
    ),
    "causal attention": (
        """
        def f(q, k, v):
            s = torch.matmul(q, k.mT).mul(q.shape[-1] ** -0.5)
            hidden = torch.ones(s.shape[-2:], dtype=torch.bool, device=q.device).triu(diagonal=1)
            s.masked_fill_(hidden, float('-inf'))
            p = torch.exp(s - s.amax(-1, keepdim=True))
            return p @ v / p.sum(-1, keepdim=True)
        """,
        CAUSAL,
    ),
    "causal by tril": (
        """
        def f(q, k, v):
            n, m = q.shape[-2], k.shape[-2]
            mask = torch.tril(torch.ones(n, m, dtype=torch.bool)).logical_not()
            s = (q @ k.mT / q.shape[-1] ** 0.5).where(~mask, -torch.inf)
            p = torch.nan_to_num(torch.exp(s - s.amax(-1, True)))
            return p @ v / p.sum(-1, True)
        """,
        CAUSAL,
    ),
    "tiled attention": (
        """
        import math
        def f(q, k, v, tile=2):
            best = q.new_full((*q.shape[:-1], 1), -math.inf)
            norm, out = torch.zeros_like(best), torch.zeros_like(q)
            for start in range(0, k.shape[-2], tile):
                kt, vt = k.narrow(-2, start, min(tile, k.shape[-2] - start)), v[..., start : start + tile, :]
                s = q @ kt.mT * q.shape[-1] ** -0.5
                new = torch.maximum(best, s.amax(-1, keepdim=True))
                p, decay = torch.exp(s - new), torch.exp(best - new)
                norm, out, best = norm * decay + p.sum(-1, keepdim=True), out * decay + p @ vt, new
            return out / norm
        """,
        ATTENTION,
    ),
    # cross-entropy
    "cross-entropy by gather": (
        """
        def f(x, t):
            m = x.amax(1, keepdim=True)
            lse = m.squeeze(1) + torch.exp(x - m).sum(1).log()
            return (lse - x.gather(1, t[:, None]).squeeze(1)).mean()
        """,
        ENTROPY,
    ),
    "cross-entropy by indexing": (
        """
        def f(logits, targets):
            z = logits - logits.amax(-1, True)
            picked = z[torch.arange(len(z), device=z.device), targets.long()]
            return (z.exp().sum(-1).log() - picked).mean()
        """,
        ENTROPY,
    ),
    "cross-entropy by take_along_dim": (
        """
        def f(x, t):
            z = x - x.max(1, keepdim=True)[0]
            return z.exp().sum(1).log().mean() - torch.take_along_dim(z, t.unsqueeze(1), 1).mean()
        """,
        ENTROPY,
    ),
    # convolution and pooling
    "convolution by unfold": (
        """
        def f(x, w):
            p = x.unfold(2, w.shape[2], 1).unfold(3, w.shape[3], 1)
            return torch.einsum('nchwij,ocij->nohw', p, w)
        """,
        CONV,
    ),
    "convolution by as_strided": (
        """
        def f(x, w):
            n, c, h, wd = x.shape
            o, _, i, j = w.shape
            a, b, s, t = x.stride()
            p = x.as_strided((n, c, i, j, h - i + 1, wd - j + 1), (a, b, s, t, s, t), x.storage_offset())
            return (w.flatten(1) @ p.reshape(n, c * i * j, -1)).view(n, o, h - i + 1, wd - j + 1)
        """,
        CONV,
    ),
    "convolution by shifts": (
        """
        from itertools import product
        def f(x, w):
            h, v = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
            out = torch.zeros(x.shape[0], w.shape[0], h, v, dtype=x.dtype, device=x.device)
            for i, j in product(range(w.shape[2]), range(w.shape[3])):
                part = x[:, :, i : i + h, j : j + v]
                out += torch.tensordot(part, w[:, :, i, j], dims=([1], [1])).permute(0, 3, 1, 2)
            return out
        """,
        CONV,
    ),
    "convolution with padding": (
        """
        def f(x, w, pad=1):
            n, c, h, v = x.shape
            big = x.new_zeros(n, c, h + 2 * pad, v + 2 * pad)
            big[:, :, pad : pad + h, pad:-pad] = x
            p = big.unfold(2, w.size(2), 1).unfold(3, w.size(3), 1)
            return torch.tensordot(p, w, ([1, 4, 5], [1, 2, 3])).movedim(-1, 1)
        """,
        PADDED,
    ),
    "padding by an operation": (
        """
        def f(x, w):
            p = torch.constant_pad_nd(x, (1, 1, 1, 1), 0.0).unfold(2, 3, 1).unfold(3, 3, 1)
            return torch.einsum('nchwij,ocij->nohw', p, w)
        """,
        PADDED,
    ),
    "pooling by unfold": (
        """
        def f(x, k=2):
            return x.unfold(2, k, k).unfold(3, k, k).amax((-2, -1))
        """,
        POOL,
    ),
    "pooling by views": (
        """
        def f(x, k=2):
            n, c, h, w = x.shape
            return x.view(n, c, h // k, k, w // k, k).amax(dim=(3, 5))
        """,
        POOL,
    ),
    "pooling by maxima": (
        """
        import functools
        def f(x):
            return functools.reduce(torch.maximum, [x[..., i::2, j::2] for i in range(2) for j in range(2)])
        """,
        POOL,
    ),
    # normalisation
    "batch norm": (
        """
        def f(x, eps=1e-5):
            mean = x.mean((0, 2, 3), keepdim=True)
            var = x.var((0, 2, 3), unbiased=False, keepdim=True)
            return (x - mean) * torch.rsqrt(var + eps)
        """,
        NORM,
    ),
    "batch norm by var_mean": (
        """
        def f(x, eps=1e-5):
            var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
            return x.sub(mean).div_((var + eps).sqrt_())
        """,
        NORM,
    ),
    "batch norm by squares": (
        """
        def f(x, eps=1e-5):
            y = x.transpose(0, 1).flatten(1)
            y = y - y.mean(1, keepdim=True)
            y = y / y.square().mean(1, keepdim=True).add(eps).pow(0.5)
            return y.unflatten(1, (x.shape[0], *x.shape[2:])).transpose(0, 1)
        """,
        NORM,
    ),
    # LSTM and beam search
    "LSTM": (
        """
        def f(x, wx, wh, b):
            h = c = x.new_zeros(x.shape[1], wh.shape[1])
            outputs = []
            for step in x @ wx.T + b:
                i, g, n, o = (step + h @ wh.T).chunk(4, dim=-1)
                c = g.sigmoid() * c + i.sigmoid() * n.tanh()
                h = torch.sigmoid(o) * torch.tanh(c)
                outputs.append(h)
            return torch.stack(outputs)
        """,
        LSTM,
    ),
    "LSTM in place": (
        """
        def f(x, wx, wh, b):
            T, N, D = x.shape
            H = wh.shape[-1]
            gates = torch.addmm(b, x.reshape(T * N, D), wx.t()).view(T, N, 4 * H)
            out, h = torch.empty(T, N, H, dtype=x.dtype), torch.zeros(N, H, dtype=x.dtype)
            c = torch.zeros_like(h)
            for t in range(T):
                a = torch.addmm(gates[t], h, wh.t())
                s = torch.sigmoid(a)
                c = torch.addcmul(s[:, H : 2 * H] * c, s[:, :H], a[:, 2 * H : 3 * H].tanh())
                h = s[:, 3 * H :] * c.tanh()
                out[t].copy_(h)
            return out
        """,
        LSTM,
    ),
    "beam search": (
        """
        def f(initial, transition, k=2, length=3):
            vocabulary = transition.shape[-1]
            scores, last = initial.topk(k)
            tokens = last[:, None]
            for _ in range(length - 1):
                total = (scores[:, None] + transition[last]).flatten()
                best = torch.topk(total, k, largest=True, sorted=True)
                scores, parent = best.values, torch.div(best.indices, vocabulary, rounding_mode='floor')
                last = best.indices % vocabulary
                tokens = torch.cat([tokens[parent], last.unsqueeze(-1)], dim=-1)
            return scores
        """,
        BEST,
    ),
    "beam search with objects": (
        """
        from dataclasses import dataclass
        import heapq
        @dataclass
        class Beam:
            tokens: list
            score: float
            def extend(self, token, score):
                return Beam(self.tokens + [token], self.score + score)
        def f(initial, transition, k=2, length=3):
            beams = [Beam([t], s) for t, s in enumerate(initial.tolist())]
            beams = heapq.nlargest(k, beams, key=lambda b: b.score)
            for _ in range(length - 1):
                grown = [b.extend(t, s) for b in beams for t, s in enumerate(transition[b.tokens[-1]].tolist())]
                beams = sorted(grown, key=lambda b: b.score, reverse=True)[:k]
            return torch.tensor([b.score for b in beams], dtype=torch.float64)
        """,
        BEST,
    ),
    "beam search by sorting": (
        """
        def f(initial, transition, k=2, length=3):
            scores, order = torch.sort(initial, descending=True, stable=True)
            scores, last = scores[:k], order[:k]
            for _ in range(length - 1):
                total = (scores.unsqueeze(1) + transition.index_select(0, last)).reshape(-1)
                places = total.argsort(descending=True)[:k]
                scores, last = total.take(places), places.remainder(transition.size(1))
            return scores
        """,
        BEST,
    ),
}
