"""How many images a second PyTorch eager learns from: the peer of `mnas bench`, run beside it by `cargo xtask bench`.

Prints one JSON document with the names of `mnas bench --json`.
"""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torchvision

parser = argparse.ArgumentParser()
parser.add_argument("--arch", required=True, help="a name of torchvision.models")
parser.add_argument("--resolution", type=int, required=True)
parser.add_argument("--batch-size", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--seconds", type=float, default=2.0)
parser.add_argument("--layout", choices=["default", "channels-last"], required=True)
options = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(options.threads)
order = torch.channels_last if options.layout == "channels-last" else torch.contiguous_format
model = getattr(torchvision.models, options.arch)(num_classes=10).train().to(memory_format=order)
images = torch.randn(options.batch_size, 3, options.resolution, options.resolution).contiguous(memory_format=order)
labels = torch.randint(0, 10, (options.batch_size,))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5, nesterov=True)


def step():
    begin = time.perf_counter()
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    return time.perf_counter() - begin


for _ in range(3):
    step()
times, begin = [], time.perf_counter()
while len(times) < 3 or time.perf_counter() - begin < options.seconds:
    times.append(step())
unit = 1024 if sys.platform == "linux" else 1024 * 1024  # kilobytes, on macOS bytes
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps({"images_per_s": options.batch_size / statistics.median(times), "peak_memory_mib": peak}))
