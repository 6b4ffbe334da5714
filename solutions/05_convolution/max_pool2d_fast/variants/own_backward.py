"""A function with a backward of its own: the first of the winners gets the gradient, added up by index."""

import torch


class MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, kernel, stride, padding):
        (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
        n, c, h, w = x.shape
        framed = x.new_full((n, c, h + 2 * ph, w + 2 * pw), -torch.inf)
        framed.narrow(2, ph, h).narrow(3, pw, w).copy_(x)
        views = [framed.unfold(2, kh, sh)[..., i].unfold(3, kw, sw)[..., j] for i in range(kh) for j in range(kw)]
        best = views[0].clone()
        for view in views[1:]:
            torch.maximum(best, view, out=best)
        ctx.save_for_backward(framed, best)
        ctx.how = kernel, stride, padding, x.shape
        return best

    @staticmethod
    def backward(ctx, grad):
        framed, best = ctx.saved_tensors
        (kh, kw), (sh, sw), (ph, pw), shape = ctx.how
        back, open_ = torch.zeros_like(framed), torch.ones_like(best, dtype=torch.bool)
        for i in range(kh):
            for j in range(kw):
                mine = framed.unfold(2, kh, sh)[..., i].unfold(3, kw, sw)[..., j].eq(best) & open_
                back.unfold(2, kh, sh)[..., i].unfold(3, kw, sw)[..., j].add_(grad * mine)
                open_ = open_ & ~mine
        return back.narrow(2, ph, shape[2]).narrow(3, pw, shape[3]), None, None, None


def max_pool2d_fast(x, kernel, stride=None, padding=0):
    stride = kernel if stride is None else stride
    pairs = [(value, value) if isinstance(value, int) else tuple(value) for value in (kernel, stride, padding)]
    return MaxPool.apply(x, *pairs)
