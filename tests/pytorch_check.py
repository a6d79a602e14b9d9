"""Opens a checkpoint of Rho in PyTorch and compares logits.

usage: pytorch_check.py CHECKPOINT IO      IO holds "inputs" (channels last) and "logits"
Exit code 3 where torch or safetensors is not installed.
"""
import math
import sys

try:
    import torch
    import torch.nn.functional as F
    from safetensors import safe_open
    from torch import nn
except ImportError:
    sys.exit(3)


class Mlp(nn.Module):
    def __init__(self, width, layers, inputs, classes):
        super().__init__()
        sizes = [inputs] + [width] * layers + [classes]
        self.layers = layers
        for i in range(layers + 1):
            # A bias on the first layer only: the others would break homogeneity.
            setattr(self, f"fc{i + 1}", nn.Linear(sizes[i], sizes[i + 1], bias=i == 0))

    def forward(self, x):
        x = x.flatten(1)
        for i in range(self.layers):
            x = F.relu(getattr(self, f"fc{i + 1}")(x))
        return getattr(self, f"fc{self.layers + 1}")(x)


class ConvNet3(nn.Module):
    def __init__(self, width, channels, side, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 5)
        self.conv2 = nn.Conv2d(width, width, 5, bias=False)
        self.fc = nn.Linear(width * (side - 8) ** 2, classes, bias=False)

    def forward(self, x):
        return self.fc(F.relu(self.conv2(F.relu(self.conv1(x)))).flatten(1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.extra = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.extra:  # option A
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(x + y)


class ResNet(nn.Module):
    def __init__(self, depth, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage, width in enumerate((16, 32, 64), 1):
            blocks = []
            for i in range((depth - 2) // 6):
                blocks.append(Block(inputs, width, 2 if stage > 1 and i == 0 else 1))
                inputs = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def build(name, shape, classes):
    for suffix, dim in (("-wn", 0), ("-wn-layer", None)):
        if name.endswith(suffix):
            model = build(name[: -len(suffix)], shape, classes)
            for layer in list(model.modules()):
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    nn.utils.weight_norm(layer, dim=dim)
            return model
    if name.startswith("mlp-"):
        width, layers = map(int, name.split("-")[1:])
        return Mlp(width, layers, math.prod(shape), classes)
    if name.startswith("convnet3-"):
        return ConvNet3(int(name.split("-")[1]), shape[2], shape[0], classes)
    if name.startswith("resnet"):
        return ResNet(int(name[len("resnet"):]), shape[2], classes)
    sys.exit(f"no PyTorch model for {name}")


def main():
    with safe_open(sys.argv[1], "pt") as f:
        metadata = f.metadata()
        state = {name: f.get_tensor(name) for name in f.keys()}
    with safe_open(sys.argv[2], "pt") as f:
        inputs, expected = f.get_tensor("inputs"), f.get_tensor("logits")
    shape = [int(n) for n in metadata["input"].split(",")]
    model = build(metadata["model"], shape, int(metadata["classes"]))
    model.load_state_dict(state, strict=True)
    model.eval()
    if inputs.dim() == 4:
        inputs = inputs.permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        logits = model(inputs)
    # A sum of n float32 products is off by a few times sqrt(n) * 2^-24; n is below 20000 a layer.
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    if not error <= 2e-5:
        sys.exit(f"{metadata['model']}: logits differ by {error:.3g} of their size")


main()
