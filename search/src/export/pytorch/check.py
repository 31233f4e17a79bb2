# Scores of the module at argv[1] for images of argv[2:5] on stdin, in little-endian 32-bit floats.
import array
import importlib.util
import sys

import torch

spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
exported = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(exported)
shape = [int(size) for size in sys.argv[2:5]]
images = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.float32).view(-1, *shape)
network = exported.load()
with torch.no_grad():
    scores = torch.cat([network(image.unsqueeze(0)) for image in images])
sys.stdout.buffer.write(array.array("f", scores.flatten().tolist()).tobytes())
