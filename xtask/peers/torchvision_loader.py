"""How many images a second torchvision reads, crops at random, flips, normalises and batches: the peer of `mnas bench --data`.

Prints one JSON document with the names of `mnas bench --json`.
"""
import argparse
import json
import resource
import sys
import time

import torch
from torchvision import datasets, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--folder", required=True, help="an image folder: FOLDER/<class>/*.jpg")
parser.add_argument("--resolution", type=int, required=True)
parser.add_argument("--batch-size", type=int, required=True)
parser.add_argument("--workers", type=int, required=True)
parser.add_argument("--seconds", type=float, required=True)
options = parser.parse_args()

# The processes decode; this one only collects.
torch.set_num_threads(1)
steps = [
    transforms.RandomResizedCrop(options.resolution),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
]
images = datasets.ImageFolder(options.folder, transforms.Compose(steps))
loader = torch.utils.data.DataLoader(
    images, options.batch_size, shuffle=True, drop_last=True, num_workers=options.workers, persistent_workers=True
)


def endless():
    while True:
        yield from loader


batches = endless()
next(batches)
count, begin = 0, time.perf_counter()
while time.perf_counter() - begin < options.seconds:
    count += len(next(batches)[1])
rate = count / (time.perf_counter() - begin)
unit = 1024 if sys.platform == "linux" else 1024 * 1024  # kilobytes, on macOS bytes
usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"images_per_s": rate, "peak_memory_mib": sum(usage) / unit}))
