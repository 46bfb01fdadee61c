"""How a part's arithmetic is done: by torch or by openvino, in which number format, how many rows at once.

A row may not depend on its company. In float32 it does by 1e-6; kernels of bfloat16 and of openvino are picked by
shape, so those get one shape only: the last rows of a call are filled up, and texts come in steps of length.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from components.features.models import count_pass

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BATCH = 32
STEP = 16
"""Tokens by which lengths of texts rise."""


class TorchRuntime:
    """`module` takes (n, ...) tensors and returns (n, ...), on the device and in the number format of its weights."""

    def __init__(self, module: torch.nn.Module, device: torch.device, dtype: torch.dtype, batch: int = BATCH) -> None:
        self.name = f"torch {str(dtype).removeprefix('torch.')}"
        self.batch = batch
        self._module, self._device, self._dtype = module, device, dtype

    def resize(self, batch: int) -> None:
        """From now on at most `batch` rows at once."""
        self.batch = batch

    def __call__(self, *inputs: Tensor) -> Tensor:
        import torch

        one_shape = self._dtype != torch.float32
        with torch.inference_mode():
            return in_batches(self._run, inputs, self.batch, one_shape)

    def _run(self, *inputs: Tensor) -> Tensor:
        found: Tensor = self._module(*(self._put(tensor) for tensor in inputs))
        return found

    def _put(self, tensor: Tensor) -> Tensor:
        if tensor.is_floating_point():
            tensor = tensor.to(self._dtype)
        if self._device.type == "cuda" and tensor.device.type == "cpu":  # the copy runs while the GPU still computes
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


def load_openvino() -> Any:
    """The package, without its telemetry: it would tell its makers of every conversion, and nobody was asked."""
    sys.modules.setdefault("openvino_telemetry", cast("Any", None))  # then it takes a stub of its own
    import openvino

    return openvino


class OpenVinoRuntime:
    """The same module, converted. Needs `openvino` (an extra of postwright) and a CPU; answers in float32."""

    def __init__(
        self, part: str, module: torch.nn.Module, example: Sequence[Tensor], dtype: torch.dtype, batch: int
    ) -> None:
        import torch

        self._part = part
        self.name = f"openvino {str(dtype).removeprefix('torch.')}"
        self._hints = {
            "INFERENCE_PRECISION_HINT": "f32" if dtype == torch.float32 else "bf16",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self._converted = _converted(module, example)
        # Texts have any length, pictures have one.
        self._shapes = [list(t.shape[1:]) if t.is_floating_point() else [-1] for t in example]
        self.batch = 0
        self.resize(batch)

    def resize(self, batch: int) -> None:
        """Compiles for batches of `batch` rows."""
        openvino = load_openvino()
        if batch == self.batch:
            return
        self.batch = batch
        shapes = zip(self._converted.inputs, self._shapes, strict=True)
        self._converted.reshape({port: openvino.PartialShape([batch, *shape]) for port, shape in shapes})
        self._request = openvino.Core().compile_model(self._converted, "CPU", self._hints).create_infer_request()

    def __call__(self, *inputs: Tensor) -> Tensor:
        import torch

        with torch.inference_mode():
            return in_batches(self._run, [tensor.cpu() for tensor in inputs], self.batch, one_shape=True)

    def _run(self, *inputs: Tensor) -> Tensor:
        import torch

        count_pass(self._part)
        given = [(t.float() if t.is_floating_point() else t).contiguous().numpy() for t in inputs]
        # Shared always or never: after a shared call, one that copies would write into that call's array.
        found = self._request.infer(given, share_inputs=True, share_outputs=False)
        return torch.from_numpy(found[0])


Runtime = TorchRuntime | OpenVinoRuntime


def in_batches(run: Callable[..., Tensor], inputs: Sequence[Tensor], batch: int, one_shape: bool) -> Tensor:
    """`run` over slices of `batch` rows; with `one_shape` the last is filled up with copies of its last row."""
    import torch

    found = []
    for start in range(0, len(inputs[0]), batch):
        part = [tensor[start : start + batch] for tensor in inputs]
        rows = len(part[0])
        if one_shape and rows < batch:
            part = [torch.cat([t, t[-1:].expand(batch - rows, *t.shape[1:])]) for t in part]
        found.append(run(*part)[:rows])
    return torch.cat(found)


def by_length(run: Runtime, inputs: Sequence[Tensor], lengths: Tensor, longest: int) -> Tensor:
    """`run` over texts, (n, length) each and padded at the end: those of about one length together, cut to it.

    Lengths are steps, so that a text meets the same shape whatever comes with it.
    """
    import torch

    steps = ((lengths + STEP - 1) // STEP * STEP).clamp(max=longest)
    found: Tensor | None = None
    for step in sorted(set(steps.tolist())):
        places = torch.nonzero(steps == step)[:, 0]
        part = [torch.nn.functional.pad(t[places, :step], (0, max(0, step - t.shape[1]))) for t in inputs]
        rows = run(*part)
        found = rows.new_empty(len(lengths), rows.shape[1]) if found is None else found
        found[places.to(rows.device)] = rows
    assert found is not None, "of no texts there are no vectors"
    return found


def as_module(model: torch.nn.Module, forward: Callable[..., Tensor]) -> torch.nn.Module:
    """`forward(model, ...)` as a module of tensors only, which can be traced and copied."""
    import torch

    class Part(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Tensor) -> Tensor:
            return forward(self.model, *inputs)

    return Part()


def _converted(module: torch.nn.Module, example: Sequence[Tensor]) -> Any:
    """As openvino's model. Traced without torch's fused attention, which openvino cannot read."""
    import copy
    import warnings

    import torch

    openvino = load_openvino()
    rows = tuple(tensor.expand(2, *tensor.shape[1:]).contiguous() for tensor in example)
    single = copy.deepcopy(module).float() if next(module.parameters()).dtype != torch.float32 else module
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # It warns of every branch. Whether one mattered is found out by comparing answers.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            warnings.simplefilter("ignore", FutureWarning)  # torch would rather be exported; openvino wants traces
            traced = torch.jit.trace(single, rows, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, example_input=rows)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
