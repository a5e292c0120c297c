"""Forward and backward passes of the few layers we train, in plain numpy.

Activations are float32 NHWC; a convolution's weights are [kernel, kernel, in, out]. Patches are
laid out so that one matrix product computes a layer, the way the accelerator sees it.
"""

import numpy as np
from numpy.typing import NDArray


def patches(x: NDArray, kernel: int, stride: int, padding: int) -> NDArray:
    """[images, out_h, out_w, kernel·kernel·channels]: what each output pixel sees."""
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    windows = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(*windows.shape[:3], -1)


class Conv:
    """A convolution with bias; `backward` returns the gradient of its input."""

    def __init__(self, rng, kernel: int, inputs: int, outputs: int, stride: int, padding: int):
        self.kernel, self.stride, self.padding = kernel, stride, padding
        fan_in = kernel * kernel * inputs
        weights = rng.normal(0, np.sqrt(2 / fan_in), (kernel, kernel, inputs, outputs))
        self.parameters = [weights.astype(np.float32), np.zeros(outputs, np.float32)]

    def forward(self, x: NDArray) -> NDArray:
        weights, bias = self.parameters
        self.shape, self.columns = x.shape, patches(x, self.kernel, self.stride, self.padding)
        return self.columns @ weights.reshape(-1, weights.shape[-1]) + bias

    def backward(self, grad: NDArray) -> NDArray:
        weights, k = self.parameters[0], self.kernel
        flat = grad.reshape(-1, grad.shape[-1])
        columns = self.columns.reshape(len(flat), -1)
        self.gradients = [(columns.T @ flat).reshape(weights.shape), flat.sum(0)]
        images, height, width, channels = self.shape
        p, s = self.padding, self.stride
        spread = (flat @ weights.reshape(-1, flat.shape[1]).T).reshape(
            *grad.shape[:3], k, k, channels
        )
        out = np.zeros((images, height + 2 * p, width + 2 * p, channels), np.float32)
        rows, cols = grad.shape[1] * s, grad.shape[2] * s
        for i in range(k):
            for j in range(k):
                out[:, i : i + rows : s, j : j + cols : s] += spread[:, :, :, i, j]
        return out[:, p : p + height, p : p + width]


class Relu:
    """max(x, 0)."""

    parameters: list[NDArray] = []
    gradients: list[NDArray] = []

    def forward(self, x: NDArray) -> NDArray:
        self.positive = x > 0
        return x * self.positive

    def backward(self, grad: NDArray) -> NDArray:
        return grad * self.positive


class Dense:
    """A fully connected layer on the flattened input."""

    def __init__(self, rng, inputs: int, outputs: int):
        weights = rng.normal(0, np.sqrt(1 / inputs), (inputs, outputs))
        self.parameters = [weights.astype(np.float32), np.zeros(outputs, np.float32)]

    def forward(self, x: NDArray) -> NDArray:
        self.shape, self.flat = x.shape, x.reshape(len(x), -1)
        return self.flat @ self.parameters[0] + self.parameters[1]

    def backward(self, grad: NDArray) -> NDArray:
        self.gradients = [self.flat.T @ grad, grad.sum(0)]
        return (grad @ self.parameters[0].T).reshape(self.shape)


class Adam:
    """Adam over a list of layers."""

    def __init__(self, layers, beta1: float = 0.9, beta2: float = 0.999):
        self.layers, self.betas, self.step_count = layers, (beta1, beta2), 0
        self.moments = [[(p * 0, p * 0) for p in layer.parameters] for layer in layers]

    def step(self, rate: float):
        self.step_count += 1
        beta1, beta2 = self.betas
        for layer, moments in zip(self.layers, self.moments, strict=True):
            for parameter, gradient, (first, second) in zip(
                layer.parameters, layer.gradients, moments, strict=True
            ):
                first += (1 - beta1) * (gradient - first)
                second += (1 - beta2) * (gradient * gradient - second)
                mean = first / (1 - beta1**self.step_count)
                deviation = np.sqrt(second / (1 - beta2**self.step_count))
                parameter -= rate * mean / (deviation + 1e-8)


def cross_entropy(logits: NDArray, labels: NDArray) -> tuple[float, NDArray]:
    """Mean loss and its gradient."""
    shifted = logits - logits.max(1, keepdims=True)
    probability = np.exp(shifted)
    probability /= probability.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(probability[rows, labels] + 1e-12).mean())
    probability[rows, labels] -= 1
    return loss, probability / len(labels)
