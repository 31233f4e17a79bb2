

def read_safetensors(path):
    """Reads 32-bit floats by name: the length of a JSON header, the header, the values."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    values = torch.frombuffer(bytearray(data[start:]), dtype=torch.float32)
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        tensors[name] = values[first // 4 : end // 4].reshape(entry["shape"]).clone()
    return tensors


def load(weights=None):
    """Returns the network in evaluation mode, with its weights."""
    network = Network()
    tensors = read_safetensors(weights or Path(__file__).with_name(WEIGHTS))
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"the weights are of another network: missing {missing}, unexpected {unexpected}")
    return network.eval()


def prepare(path):
    """Reads an image: its centre square at the network's resolution, normalised, `[1, 3, height, width]`."""
    from PIL import Image, ImageOps  # pip install pillow

    if MEAN is None:
        raise ValueError("set MEAN and STD, which the weights were trained with")
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image = ImageOps.fit(image, (RESOLUTION, RESOLUTION), Image.Resampling.BILINEAR)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    pixels = pixels.view(RESOLUTION, RESOLUTION, 3).permute(2, 0, 1).float() / 255
    return ((pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)).unsqueeze(0)


if __name__ == "__main__":
    network = load()
    for path in sys.argv[1:]:
        with torch.no_grad():
            shares = network(prepare(path)).softmax(1)[0]
        for share, index in zip(*shares.topk(min(5, len(shares)))):
            name = CLASSES[index] if CLASSES else str(index.item())
            print(f"{path}  {100 * share.item():5.1f} %  {name}")
