"""Functions of torch by what they do to what a trace knows, where that does not depend on their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import prod
from types import MappingProxyType
from typing import Any


@lru_cache(maxsize=4096)
def function_name(func: Any) -> str:
    """What a function is called, in place (`add_`) or not (`add`); of a property, its name."""
    name = str(func.__name__).partition(".")[0]  # of ATen's `conv2d.default`
    if name == "__get__":
        name = str(func.__self__.__name__)
    if name.startswith("__") and name.endswith("__"):
        return _OPERATORS.get(name, name)
    return name.rstrip("_") or name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATORS = {
    f"__{prefix}{name}__": name
    for name in ("add", "sub", "mul", "matmul", "pow", "truediv", "floordiv", "mod", "and", "or", "xor")
    for prefix in ("", "r", "i")
} | {f"__{name}__": name for name in ("gt", "ge", "lt", "le", "eq", "ne", "neg", "invert", "abs")}

QUERIES = _words(
    "shape size dim ndim ndimension dtype device layout is_nested requires_grad is_cuda is_floating_point grad_fn "
    "is_contiguous stride storage_offset element_size is_complex is_sparse is_quantized numel nelement __len__ "
    "is_tensor is_meta names itemsize nbytes __format__ __repr__ __str__ _assert get_device is_leaf is_mps "
    "is_xla is_cpu grad is_inference is_same_size _is_view _base __hash__ is_autocast_enabled "
    "get_default_dtype is_grad_enabled "
    "is_storage finfo iinfo promote_types result_type can_cast untyped_storage data_ptr _backward_hooks is_signed "
    "is_neg is_conj __contains__ _assert_async output_nr has_names is_mkldnn _version __dir__ is_maia is_ipu is_vulkan "
    "is_sparse_csr retains_grad __reduce_ex__ _has_symbolic_sizes_strides is_xpu __dlpack_device__ sym_size_int"
)
"""Asked of a tensor: what they return is no tensor."""
SIZES = _words("shape size numel nelement __len__ sym_size_int")
"""Of those, what returns sizes."""
READS = _words("item tolist numpy __bool__ __int__ __float__ __index__ __array__ nonzero equal allclose is_nonzero")
"""Read the values of a tensor, which it does not have."""
SAME = _words(
    "contiguous clone detach to float type_as type half bfloat16 cpu cuda alias double int long bool real data "
    "requires_grad_ requires_grad identity stop_gradient positive resolve_conj resolve_neg lift_fresh_copy lift_fresh "
    "_to_copy"
)
"""Give the tensor that they take, perhaps as another type or somewhere else."""
FRESH = _words(
    "new_zeros new_ones new_full new_empty new_tensor zeros_like ones_like empty_like full_like rand_like randn_like "
    "new_empty_strided randint_like"
)
"""Take the size of a tensor, and nothing else."""
MOVES = _words(
    "view reshape view_as reshape_as permute transpose t swapaxes swapdims movedim moveaxis T mT squeeze unsqueeze "
    "flatten unflatten expand expand_as repeat tile repeat_interleave roll flip __getitem__ select narrow index_select "
    "gather take_along_dim unbind split chunk tensor_split split_with_sizes stack cat concat concatenate pad unfold "
    "fold diagonal rot90 broadcast_to hstack vstack dstack pixel_shuffle pixel_unshuffle channel_shuffle im2col col2im "
    "triu tril ravel native_channel_shuffle hsplit vsplit dsplit __iter__ slice narrow_copy adjoint H constant_pad_nd"
)
"""Move elements, and do no arithmetic."""
KEPT = MOVES | _words("dropout dropout1d dropout2d dropout3d feature_dropout alpha_dropout feature_alpha_dropout")
"""Write to nothing, also where they give the tensor that they take."""


ALIKE = _words("relu relu6 silu sigmoid tanh hardswish hardsigmoid gelu mish softplus")
"""Make a tensor like the only one that they take, whatever it is."""


def _rows(tensors: Sequence[Any]) -> int:
    return int(tensors[0].shape[-1])


def _kernel(tensors: Sequence[Any]) -> int:
    return prod(tensors[1].shape[1:])


PRODUCTS: Mapping[str, Callable[[Sequence[Any]], int]] = MappingProxyType(
    {
        **dict.fromkeys(("linear", "matmul", "mm", "bmm", "mv"), _rows),
        **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _kernel),
    }
)
"""Products, with the multiply-adds of each element of what they make of some tensors."""


def summed_products(equation: str, shapes: Sequence[Sequence[int]]) -> tuple[int, bool] | None:
    """The products of an einsum of two tensors, and whether they are summed; None for what is not just that."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    labels = left.split(",")
    if len(shapes) != 2 or len(labels) != 2 or not arrow:
        return None
    further = [len(shape) - len(names) + 3 for names, shape in zip(labels, shapes, strict=True) if "..." in names]
    if further:  # axes that stand for themselves, from the last on
        own = "".join(chr(0x100 + i) for i in range(max(further)))[::-1]
        counts = iter(further)
        labels = [n.replace("...", own[len(own) - next(counts) :]) if "..." in n else n for n in labels]
        left, right = ",".join(labels), right.replace("...", own)
    if any(label not in right and any(label not in other for other in labels) for label in left if label != ","):
        return None  # summed before it is multiplied
    sizes: dict[str, int] = {}
    for names, shape in zip(labels, shapes, strict=True):
        for label, n in zip(names, shape, strict=True):
            if sizes.setdefault(label, int(n)) != n and label not in right:
                return None  # one is broadcast: the other is summed before it is multiplied
            sizes[label] = max(sizes[label], int(n))
    return prod(sizes.values()), prod(n for label, n in sizes.items() if label not in right) > 1
