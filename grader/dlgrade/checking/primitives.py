"""What an exercise on tensors may be built from, and torch's own versions of what is to be built."""

from __future__ import annotations

OPERATIONS = frozenset(
    """
    abs absolute add addcdiv addcmul addmm addmv addr all allclose amax amin aminmax any arange argmax argmin
    argsort argwhere as_strided as_tensor atleast_1d atleast_2d atleast_3d baddbmm bincount bitwise_and
    bitwise_not bitwise_or bitwise_xor block_diag bmm broadcast_shapes broadcast_tensors broadcast_to bucketize
    cat ceil chunk clamp clamp_max clamp_min clip clone column_stack complex concat concatenate conj contiguous
    copysign cos cosh count_nonzero cross cummax cummin cumprod cumsum deg2rad det detach diag diag_embed
    diagflat diagonal diff div divide dot dsplit dstack einsum empty empty_like empty_strided eq equal erf erfc
    exp exp2 expand_as expm1 eye fill flatten flip fliplr flipud float_power floor floor_divide fmax fmin fmod
    frac full full_like gather ge greater greater_equal gt heaviside hsplit hstack hypot imag index_add
    index_copy index_fill index_put index_reduce index_select inner inverse isclose isfinite isin isinf isnan
    kron kthvalue ldexp le lerp less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not
    logical_or logical_xor logspace lt masked_fill masked_scatter masked_select matmul max maximum mean median
    meshgrid min minimum mm mode moveaxis movedim msort mul multiply mv nan_to_num narrow narrow_copy ne neg
    negative new_empty new_full new_ones new_tensor new_zeros nonzero norm not_equal numel one_hot ones
    ones_like outer permute polar positive pow prod put quantile rad2deg ravel real reciprocal relu remainder
    repeat_interleave reshape resolve_conj resolve_neg result_type rgb roll rot90 round row_stack rsqrt
    scalar_tensor scatter scatter_add scatter_reduce searchsorted select select_scatter sgn sigmoid sign signbit
    sin sinh slice_scatter sort split split_with_sizes sqrt square squeeze stack std std_mean sub subtract sum
    swapaxes swapdims t take take_along_dim tan tanh tensor tensor_split tensordot tile topk trace transpose
    triangular_solve tril tril_indices triu triu_indices true_divide trunc unbind unflatten unfold unique
    unique_consecutive unravel_index unsqueeze vander var var_mean vdot view_as_complex view_as_real vmap vsplit
    vstack where zeros zeros_like
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Operations that are there as functions of torch, as methods of tensors, or as both; also those that end in `_`."""

ATTRIBUTES = frozenset(
    """
    H T backward bfloat16 bool byte char copy_ cpu cuda data_ptr device dim double dtype element_size expand
    expand_as fill_ float grad half int is_complex is_contiguous is_cuda is_floating_point is_leaf item itemsize
    long mH mT nbytes ndim ndimension nelement new numel register_hook repeat requires_grad requires_grad_
    retain_grad shape short size storage_offset stride sum_to_size to tolist type_as view view_as zero_
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What else a tensor may be asked for."""

NAMES = frozenset(
    """
    Generator Size Tensor autograd autograd.Function bfloat16 bool can_cast channels_last complex128 complex64
    contiguous_format device double dtype e enable_grad finfo float float16 float32 float64 get_default_dtype
    half iinfo inf inference_mode int int16 int32 int64 int8 is_complex is_floating_point is_grad_enabled
    is_nonzero is_tensor long nan newaxis no_grad pi preserve_format promote_types set_grad_enabled short
    strided uint8
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""What else may be named below torch."""

MODULES = frozenset(
    """
    __future__ abc bisect cmath collections contextlib dataclasses decimal enum fractions functools heapq
    itertools math numbers re string torch typing warnings
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

OPERATORS_REFUSED = frozenset(
    """
    _adaptive_avg_pool2d _batch_norm_impl_index _batch_norm_with_update _chunk_cat _conv_depthwise2d
    _convolution _convolution_mode _cudnn_rnn _efficient_attention_forward _flash_attention_forward
    _fused_rms_norm _log_softmax _log_softmax_backward_data _logcumsumexp _lstm_mps _masked_softmax
    _native_batch_norm_legit _native_batch_norm_legit_no_training _native_multi_head_attention _safe_softmax
    _scaled_dot_product_attention_math _scaled_dot_product_cudnn_attention
    _scaled_dot_product_efficient_attention _scaled_dot_product_flash_attention
    _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_fused_attention_overrideable
    _slow_conv2d_forward _softmax _softmax_backward_data _thnn_fused_lstm_cell _transformer_encoder_layer_fwd
    _triton_scaled_dot_attention adaptive_avg_pool2d adaptive_max_pool2d avg_pool1d avg_pool2d batch_norm
    batch_norm_elemt batch_norm_stats col2im conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d
    conv_transpose3d convolution convolution_overrideable cross_entropy_loss cudnn_batch_norm cudnn_convolution
    fractional_max_pool2d group_norm gru gru_cell im2col instance_norm layer_norm linear_cross_entropy
    log_softmax logcumsumexp logsumexp lstm lstm_cell lstm_mps max_pool1d max_pool2d max_pool2d_with_indices
    max_pool3d max_pool3d_with_indices miopen_batch_norm miopen_convolution mkldnn_convolution mkldnn_max_pool2d
    mkldnn_rnn_layer native_batch_norm native_group_norm native_layer_norm nll_loss nll_loss2d
    nll_loss2d_forward nll_loss_forward nll_loss_nd quantized_lstm quantized_max_pool2d rms_norm rnn_relu
    rnn_tanh scaled_dot_product_attention slow_conv3d slow_conv_dilated2d softmax special_logsumexp thnn_conv2d
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Operators of torch that are ready-made versions of what exercises ask for; they raise in a submission's worker."""
