"""What the source of an exercise on tensors may say: every natural right program, and nothing ready-made."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest
import torch
from dlgrade.author import Policy
from dlgrade.checking import policy, primitives
from dlgrade.checking.policy import refused_operators
from dlgrade.sandbox.parser import _read
from dlgrade.sandbox.syntax import Facts, Use
from dlgrade.sandbox.tensors import Carrier
from tensor_programs import RIGHT
from tiny import exercise_of


def facts_of(source: str) -> Facts:
    """What the parser finds, in this process: the sources here are our own."""
    found = _read(textwrap.dedent(source).encode())
    assert "error" not in found, found
    uses, asked = (tuple(Use(*entry) for entry in found[key]) for key in ("uses", "asked"))
    return Facts(uses, asked, frozenset(found["own"]))


def unpermitted(source: str, **options: object) -> list[str]:
    """What the source says and may not."""
    return [use.name for use in policy._unpermitted(Policy(**options), facts_of(source))]


# -- right programs, as somebody would write them ----------------------------------------------------------------------


@pytest.mark.parametrize("name", RIGHT)
def test_no_right_program_is_forbidden(name: str) -> None:
    source, (arguments, want) = RIGHT[name]
    source = textwrap.dedent(source) if "__future__" in source else "import torch\n" + textwrap.dedent(source)
    assert unpermitted(source) == []
    scope: dict[str, Any] = {"__name__": "exercise"}
    exec(compile(source, "exercise.py", "exec", dont_inherit=True), scope)
    function = scope["f"]
    torch.testing.assert_close(function(*arguments), want)
    ran, _ = Carrier(str).operators(function, arguments, {})
    assert not {entry[0].removeprefix("aten::") for entry in ran} & primitives.OPERATORS_REFUSED


def test_there_are_enough_right_programs() -> None:
    assert len(RIGHT) >= 60


# -- every operation of torch ------------------------------------------------------------------------------------------

READY_MADE = (  # noqa: SIM905
    """
    softmax log_softmax logsumexp logcumsumexp conv1d conv2d conv3d conv_tbc conv_transpose2d max_pool1d max_pool2d
    avg_pool1d adaptive_avg_pool1d batch_norm layer_norm group_norm instance_norm rms_norm lstm lstm_cell gru gru_cell
    rnn_tanh rnn_relu embedding_bag dropout alpha_dropout cosine_similarity cdist pairwise_distance bilinear ctc_loss
    kl_div binary_cross_entropy_with_logits pixel_shuffle channel_shuffle grid_sampler stft istft prelu selu celu
    cudnn_convolution native_layer_norm native_batch_norm mkldnn_convolution
    nn nn.functional nn.functional.softmax nn.Softmax nn.functional.pad nn.Linear ops ops.aten ops.aten._softmax jit
    jit.script jit.trace compile fx export func.grad func.functional_call special.softmax special.log_softmax
    special.logsumexp sparse sparse.softmax distributions distributions.Categorical _C _C._nn _refs _refs.softmax
    _decomp library library.Library utils utils.data overrides package hub load save classes multiprocessing threading
    sys os importlib builtins ctypes backends cuda.graph set_num_threads set_default_dtype from_numpy frombuffer *
    Tensor.softmax Tensor.log_softmax Tensor.__dict__ Tensor.numpy autograd.functional.jacobian autograd.profiler
    exp.__self__ float32.__reduce__ random.__dict__ softmax_ conv1d_ nn_
    """
).split()
ELEMENTARY = (  # noqa: SIM905
    """
    exp exp_ log log1p sqrt rsqrt abs sin atan2 arctan2 erfinv lgamma max amax topk sort gather scatter_add
    scatter_add_ index_select masked_fill masked_fill_ where einsum matmul bmm baddbmm mm mv dot tensordot outer ger
    cumsum cumprod cummax prod sum mean var var_mean std median nanmean nansum quantile unique bincount histc
    cat stack split chunk unbind reshape permute transpose movedim unfold as_strided as_strided_scatter
    rand randn randint randperm normal bernoulli multinomial manual_seed Generator
    float32 bfloat16 uint16 bool finfo finfo.max iinfo inf pi newaxis Size dtype device FloatTensor Tensor Tensor.exp
    autograd autograd.Function autograd.grad no_grad enable_grad inference_mode vmap linalg linalg.norm
    special.expm1 testing.assert_close cuda.is_available xlogy frexp bitwise_left_shift trapezoid cartesian_prod
    """
).split()


@pytest.mark.parametrize("name", READY_MADE)
def test_what_is_ready_made_or_leads_to_it_may_not_be_named(name: str) -> None:
    assert not policy.Vocabulary().names(f"torch.{name}")


@pytest.mark.parametrize("name", ELEMENTARY)
def test_what_is_elementary_may_be_named(name: str) -> None:
    assert policy.Vocabulary().names(f"torch.{name}")


def ready_made(name: str) -> bool:
    words = "softmax|softmin|logsumexp|cumsumexp|conv(?!ert)|pool|_norm|lstm|gru|rnn|_loss|attention|dropout|embedding"
    return bool(re.search(words, name)) and not name.startswith("log_normal")


@pytest.mark.parametrize("name", sorted(n for n in {*dir(torch), *dir(torch.Tensor)} if ready_made(n)))
def test_nothing_of_torch_that_sounds_ready_made_is_elementary(name: str) -> None:
    assert name not in primitives.OPERATIONS | primitives.NAMES | primitives.ATTRIBUTES
    assert not policy.Vocabulary().names(f"torch.{name}")
    assert not policy.Vocabulary().asks(name)


def test_every_permitted_name_is_one_of_torch() -> None:
    """A name that is misspelt in the lists would permit nothing and be seen by nobody."""
    known = {*dir(torch), *dir(torch.Tensor)}
    assert not {name for name in primitives.OPERATIONS if not {name, f"{name}_"} & known}
    assert not primitives.ATTRIBUTES - known
    for name in primitives.NAMES:
        held: object = torch
        for part in name.split("."):
            held = getattr(held, part)


def test_every_refused_operator_is_one_of_torch() -> None:
    schemas = {schema.name.removeprefix("aten::") for schema in torch._C._jit_get_all_schemas()}
    unknown = primitives.OPERATORS_REFUSED - schemas
    assert unknown <= {"linear_cross_entropy", "lstm_mps"}  # of other versions or builds


def test_the_lists_do_not_overlap() -> None:
    assert not primitives.OPERATIONS & primitives.ATTRIBUTES
    assert not primitives.OPERATIONS & primitives.OPERATORS_REFUSED
    assert not primitives.ATTRIBUTES & primitives.OPERATORS_REFUSED


# -- the tricks that a reader of the source can see --------------------------------------------------------------------


TRICKS = [
    ("x.softmax(-1)", "softmax"),
    ("torch.exp(x).softmax(-1)", "softmax"),
    ("(lambda y: y.softmax)(x)(-1)", "softmax"),
    ("[torch][0].nn.functional.softmax(x, -1)", "functional"),
    ("(t := torch).softmax(x)", "softmax"),
    ("getattr(x, 'softmax')(-1)", "getattr"),
    ("vars(torch)['softmax'](x, -1)", "vars"),
    ("torch.__dict__['softmax'](x, -1)", "torch.__dict__"),
    ("x.__getattribute__('softmax')(-1)", "__getattribute__"),
    ("object.__getattribute__(x, 'softmax')(-1)", "object.__getattribute__"),
    ("print.__self__.eval('1')", "print.__self__.eval"),
    ("eval('torch.softmax')(x, -1)", "eval"),
    ("__import__('torch').softmax(x, -1)", "__import__"),
    ("__builtins__['eval']('1')", "__builtins__"),
    ("type(x).mro()[0].__dict__", "__dict__"),
    ("().__class__.__base__.__subclasses__()", "__subclasses__"),
    ("(lambda: 0).__globals__", "__globals__"),
    ("(i for i in x).gi_frame.f_builtins['eval']", "gi_frame"),
    ("x.numpy()", "numpy"),
    ("open('f')", "open"),
]


@pytest.mark.parametrize(("expression", "named"), TRICKS)
def test_a_trick_in_an_expression_is_seen(expression: str, named: str) -> None:
    assert named in unpermitted(f"import torch\ndef f(x):\n    return {expression}")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import gc", "gc"),
        ("import threading", "threading"),
        ("import ctypes", "ctypes"),
        ("import importlib", "importlib"),
        ("import sys", "sys"),
        ("import numpy as np", "numpy"),
        ("from scipy.special import softmax", "scipy.special.softmax"),
        ("import torch.nn.functional as F", "torch.nn.functional"),
        ("from torch import *", "torch.*"),
        ("from torch.nn import Softmax", "torch.nn.Softmax"),
        ("import typing\nm = typing.sys.modules", "typing.sys.modules"),
        ("import contextlib as c\nm = c.sys.modules", "contextlib.sys.modules"),
        ("from dataclasses import builtins", "dataclasses.builtins"),
        ("from collections import _sys", "collections._sys"),
        ("from operator import attrgetter", "operator.attrgetter"),
        ("from operator import *\ng = attrgetter('softmax')", "attrgetter"),
        ("import operator\ng = operator.methodcaller('softmax', -1)", "operator.methodcaller"),
        ("import string\ng = string.Formatter().get_field", "string.Formatter"),
        ("import typing\ndef f(x: 'torch.softmax'): ...\ng = typing.get_type_hints(f)", "typing.get_type_hints"),
        ("from . import answers", "..answers"),
        ("def f(x):\n    match x:\n        case object(softmax=g):\n            return g(-1)", "softmax"),
        ("def softmax(x):\n    return x.softmax(-1)", "softmax"),
        ("softmax = None\ndef f(x):\n    return x.softmax(-1)", "softmax"),
        ("import torch\ntorch.softmax.x = 1", "torch.softmax.x"),
        ("class A:\n    def softmax(self): ...\nimport torch\ng = torch.Tensor.softmax", "torch.Tensor.softmax"),
        ("def f(l):\n    l._destroy()", "_destroy"),
        ("def f(x):\n    del x.softmax\n    return x.softmax()", "softmax"),
    ],
)  # fmt: skip
def test_a_trick_in_a_file_is_seen(source: str, named: str) -> None:
    assert named in unpermitted(source)


def test_an_exercise_may_permit_more() -> None:
    source = "import torch\nimport torch.nn.functional as F\ndef f(x): return F.pad(x, (1, 1)), x.logsumexp(-1)"
    assert unpermitted(source) == ["torch.nn.functional", "torch.nn.functional.pad", "logsumexp"]
    assert unpermitted(source, permit=("nn.functional.pad", "logsumexp")) == []
    exercise = exercise_of("def f(x): ...", [Policy(name="rules", permit=("logsumexp",))])
    assert refused_operators(exercise) == ()  # NumPy has no operators
