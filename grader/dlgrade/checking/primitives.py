"""What an exercise on tensors may be built from, and torch's own versions of what is to be built."""

from __future__ import annotations

OPERATIONS = frozenset(
    """
    abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr adjoint all allclose amax amin aminmax
    angle any arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort argwhere
    as_strided as_strided_scatter as_tensor asarray asin asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d
    baddbmm bernoulli bincount binomial bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor block_diag bmm broadcast_shapes broadcast_tensors broadcast_to bucketize
    cartesian_prod cat cauchy ceil chain_matmul cholesky cholesky_inverse cholesky_solve chunk clamp clamp_max
    clamp_min clip clone column_stack combinations complex concat concatenate conj conj_physical constant_pad_nd
    contiguous copysign corrcoef cos cosh count_nonzero cov cross cummax cummin cumprod cumsum
    cumulative_trapezoid deg2rad det detach diag diag_embed diagflat diagonal diagonal_scatter diff digamma dist
    div divide dot dsplit dstack einsum empty empty_like empty_permuted empty_strided eq equal erf erfc erfinv
    exp exp2 expand_as expm1 exponential eye fill fill_diagonal fix flatten flip fliplr flipud float_power floor
    floor_divide fmax fmin fmod frac frexp full full_like gather gcd ge geometric ger gradient greater
    greater_equal gt heaviside histc histogram hsplit hstack hypot i0 igamma igammac imag index index_add
    index_copy index_fill index_put index_reduce index_select inner inverse isclose isfinite isin isinf isnan
    isneginf isposinf isreal kron kthvalue lcm ldexp le lerp less less_equal lgamma linspace log log10 log1p
    log2 log_normal logaddexp logaddexp2 logdet logical_and logical_not logical_or logical_xor logit logspace lt
    masked_fill masked_scatter masked_select matmul matrix_exp matrix_power max maximum mean median meshgrid min
    minimum mm mode moveaxis movedim msort mul multinomial multiply mv mvlgamma nan_to_num nanmean nanmedian
    nanquantile nansum narrow narrow_copy ne neg negative new_empty new_empty_strided new_full new_ones
    new_tensor new_zeros nextafter nonzero nonzero_static norm normal not_equal numel ones ones_like outer
    permute pinverse poisson polar polygamma positive pow prod put qr quantile rad2deg rand rand_like randint
    randint_like randn randn_like random randperm ravel real reciprocal relu remainder renorm repeat_interleave
    reshape resolve_conj resolve_neg result_type roll rot90 round row_stack rsqrt rsub scalar_tensor scatter
    scatter_add scatter_reduce searchsorted select select_scatter sgn sigmoid sign signbit sin sinc sinh
    slice_scatter slogdet sort split split_with_sizes sqrt square squeeze stack std std_mean sub subtract sum
    svd swapaxes swapdims t take take_along_dim tan tanh tensor tensor_split tensordot tile topk trace transpose
    trapezoid trapz triangular_solve tril tril_indices triu triu_indices true_divide trunc unbind unflatten
    unfold uniform unique unique_consecutive unravel_index unsafe_chunk unsafe_split unsafe_split_with_sizes
    unsqueeze vander var var_mean vdot view_as_complex view_as_real vmap vsplit vstack where xlogy zeros
    zeros_like
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Operations that are there as functions of torch, as methods of tensors, or as both; also those that end in `_`."""

ATTRIBUTES = frozenset(
    """
    apply_ backward bfloat16 bool byte cdouble cfloat chalf char copy_ cpu cuda data data_ptr device dim double
    dtype element_size expand fill_ float get_device grad grad_fn H half indices int is_complex is_conj
    is_contiguous is_cpu is_cuda is_floating_point is_inference is_leaf is_meta is_mps is_neg is_pinned
    is_same_size is_signed is_sparse item itemsize layout long map_ mH mT name nbytes ndim ndimension
    nelement new pin_memory register_hook repeat requires_grad requires_grad_ reshape_as retain_grad
    retains_grad shape short size storage_offset stride sum_to_size T to tolist type type_as untyped_storage
    values view view_as zero_
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What else a tensor may be asked for."""

NAMES = frozenset(
    """
    autograd.Function autograd.function.FunctionCtx autograd.function.once_differentiable autograd.grad
    autograd.gradcheck bfloat16 bool BoolTensor ByteTensor can_cast cdouble cfloat chalf channels_last
    channels_last_3d complex128 complex32 complex64 contiguous_format cuda.is_available device double
    DoubleTensor dtype e enable_grad finfo float float16 float32 float64 FloatTensor func.vmap Generator
    get_default_device get_default_dtype half HalfTensor iinfo inf inference_mode initial_seed int int16 int32
    int64 int8 IntTensor is_complex is_floating_point is_grad_enabled is_inference_mode_enabled is_nonzero
    is_tensor layout linalg.cross linalg.det linalg.inv linalg.matmul linalg.matrix_norm linalg.matrix_power
    linalg.multi_dot linalg.norm linalg.solve linalg.vecdot linalg.vector_norm long LongTensor manual_seed
    memory_format nan newaxis no_grad pi preserve_format promote_types set_grad_enabled set_printoptions short
    ShortTensor Size special.digamma special.entr special.erf special.erfc special.erfinv special.exp2
    special.expit special.expm1 special.gammaln special.i0 special.log1p special.logit special.ndtr
    special.round special.sinc special.xlog1py special.xlogy strided Tensor testing.assert_close typename uint16
    uint32 uint64 uint8
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What else may be named below torch."""

MODULES = frozenset(
    """
    __future__ abc bisect cmath collections collections.abc contextlib copy dataclasses decimal enum fractions
    functools heapq itertools math numbers operator random re statistics string time torch typing warnings
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What may be imported."""

BUILTINS_REFUSED = frozenset(
    """
    __builtins__ __import__ __loader__ __spec__ breakpoint compile delattr eval exec getattr globals input
    locals memoryview open setattr vars
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Built-in names by which anything could be reached without being named."""

DUNDERS = frozenset(
    """
    __abs__ __add__ __and__ __bool__ __call__ __class__ __contains__ __doc__ __enter__ __eq__ __exit__ __float__
    __floordiv__ __ge__ __getitem__ __gt__ __hash__ __iadd__ __imatmul__ __imul__ __index__ __init__ __int__
    __invert__ __isub__ __iter__ __itruediv__ __le__ __len__ __lshift__ __lt__ __matmul__ __mod__ __mul__
    __name__ __ne__ __neg__ __new__ __next__ __or__ __pos__ __post_init__ __pow__ __qualname__ __radd__ __repr__
    __rfloordiv__ __rmatmul__ __rmul__ __rpow__ __rshift__ __rsub__ __rtruediv__ __setitem__ __str__ __sub__
    __truediv__ __xor__
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Attributes with two underscores on either side by which nothing else is reached."""

PRIVATE = frozenset({"_asdict", "_fields", "_make", "_replace"})
"""Attributes with an underscore that are documented: those of named tuples."""

FRAMES = frozenset(
    """
    ag_code ag_frame cr_code cr_frame f_back f_builtins f_code f_globals f_locals gi_code gi_frame gi_yieldfrom
    tb_frame tb_next
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Attributes of frames, generators and functions, by which the scope of somebody else is reached."""

REFUSED_IN_MODULES = frozenset(
    """
    dataclasses.make_dataclass functools.singledispatch functools.singledispatchmethod functools.update_wrapper
    operator.attrgetter operator.methodcaller string.Formatter typing.evaluate_forward_ref typing.ForwardRef
    typing.get_type_hints
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What the permitted modules have that looks up a name from a text, as the refused built-in names do."""

OPERATORS_REFUSED = frozenset(
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _batch_norm_impl_index _batch_norm_no_update
    _batch_norm_with_update _batch_norm_with_update_functional _chunk_cat _conv_depthwise2d _convolution
    _convolution_mode _cudnn_attention_forward _cudnn_rnn _efficient_attention_forward _flash_attention_forward
    _flash_attention_forward_no_dropout_inplace _fused_rms_norm _log_softmax _log_softmax_backward_data
    _logcumsumexp _lstm_mps _masked_softmax _mps_convolution _mps_convolution_transpose _native_batch_norm_legit
    _native_batch_norm_legit_functional _native_batch_norm_legit_no_training _native_multi_head_attention
    _nested_tensor_softmax_with_shape _nnpack_spatial_convolution _safe_softmax
    _scaled_dot_product_attention_math _scaled_dot_product_attention_math_for_mps
    _scaled_dot_product_cudnn_attention _scaled_dot_product_efficient_attention
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_fused_attention_overrideable _slow_conv2d_backward _slow_conv2d_forward _softmax
    _softmax_backward_data _sparse_log_softmax _sparse_softmax _thnn_fused_gru_cell _thnn_fused_lstm_cell
    _transformer_encoder_layer_fwd _triton_multi_head_attention _triton_scaled_dot_attention adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
    avg_pool1d avg_pool2d avg_pool3d batch_norm batch_norm_elemt batch_norm_gather_stats
    batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats col2im conv1d conv2d conv3d
    conv_depthwise3d conv_tbc conv_tbc_backward conv_transpose1d conv_transpose2d conv_transpose3d convolution
    convolution_backward convolution_overrideable cross_entropy_loss cudnn_batch_norm cudnn_convolution
    cudnn_convolution_add_relu cudnn_convolution_relu cudnn_convolution_transpose fractional_max_pool2d
    fractional_max_pool3d group_norm gru gru_cell im2col instance_norm layer_norm linear_cross_entropy
    log_softmax logcumsumexp logsumexp lstm lstm_cell lstm_mps max_pool1d max_pool1d_with_indices max_pool2d
    max_pool2d_with_indices max_pool3d max_pool3d_with_indices miopen_batch_norm miopen_convolution
    miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose
    miopen_depthwise_convolution miopen_rnn mkldnn_adaptive_avg_pool2d mkldnn_convolution mkldnn_max_pool2d
    mkldnn_max_pool3d mkldnn_rnn_layer native_batch_norm native_group_norm native_layer_norm nll_loss nll_loss2d
    nll_loss2d_forward nll_loss_forward nll_loss_nd quantized_batch_norm quantized_gru quantized_gru_cell
    quantized_lstm quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d
    quantized_rnn_relu_cell quantized_rnn_tanh_cell rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell
    scaled_dot_product_attention slow_conv3d slow_conv3d_forward slow_conv_dilated2d slow_conv_dilated3d
    slow_conv_transpose2d slow_conv_transpose3d softmax special_log_softmax special_logsumexp special_softmax
    thnn_conv2d
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Operators of torch that are ready-made versions of what exercises ask for; they raise in a submission's worker."""
