import json
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn


def part(**layers):
    """Layers in a row, by name."""
    return nn.Sequential(OrderedDict(layers))


def conv_bn(inputs, outputs, kernel=1, stride=1, groups=1, act=None):
    """Convolution without bias, batch-norm and, if given, an activation."""
    layers = {
        "conv": nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        "bn": nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM),
    }
    if act is not None:
        layers["act"] = act()
    return part(**layers)


class LayerScale(nn.Module):
    """Product with one learnt factor per channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return x * self.weight.view(1, -1, 1, 1)


class Block(nn.Module):
    """Parts in a row.

    `squeeze` and `excite` compute a factor per channel for what comes before them; a residual block adds its input.
    """

    def __init__(self, residual=False, **parts):
        super().__init__()
        self.residual = residual
        for name, layers in parts.items():
            self.add_module(name, layers)

    def forward(self, x):
        y = x
        for name, layers in self.named_children():
            if name == "squeeze":
                y = y * self.excite(layers(y))
            elif name != "excite":
                y = layers(y)
        return x + y if self.residual else y
