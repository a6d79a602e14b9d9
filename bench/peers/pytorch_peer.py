"""PyTorch as a peer of training_bench: trains networks on request, in a process of its own.

usage: pytorch_peer.py DEVICE SECONDS       cpu, cuda or cuda:N; what an answer may take at most

First says what it is, then answers every request: a line of JSON on its standard input, a line of
JSON on its standard output. "absent" in the first line says why there is nothing to compare with,
"error" in an answer why the request failed. It ends where its standard input does, and by the
signal of an alarm where an answer takes too long: what hangs in a library can not be told to stop.
Tensors travel in safetensors files that the requests name.

PyTorch is at its best: cuDNN tries its algorithms (benchmark) and need not be deterministic,
rectifiers work in place, batch norm does not count batches, the optimizer is fused where it can be,
and a timed step leaves the loss on the device.
"""
import json
import math
import os
import signal
import statistics
import struct
import sys
import time
import typing

# Libraries that print do so on the standard error.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def owe_answer():
    """From now on the time for the next answer runs."""
    signal.alarm(int(sys.argv[2]))


def say(answer):
    signal.alarm(0)
    try:
        text = json.dumps(answer, allow_nan=False)
    except ValueError:
        text = json.dumps({"error": f"not a number in {answer}"})
    print(text, file=answers, flush=True)


def first_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]


OLDEST = (1, 13)
owe_answer()
try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except Exception as missing:  # also a broken installation, as of another CUDA
    say({"absent": first_line(missing)})
    sys.exit()


class Mode(typing.NamedTuple):
    channels_last: bool = False
    compiled: bool = False  # the layout is then the compiler's choice
    graph: bool = False  # a CUDA graph of the whole step, with the optimizer in it


MODES = {
    "eager": Mode(),
    "channels last": Mode(channels_last=True),
    "compile": Mode(compiled=True),
    "CUDA graph": Mode(graph=True),
    "CUDA graph, channels last": Mode(graph=True, channels_last=True),
    "CUDA graph, compile": Mode(graph=True, compiled=True),
}
TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in TYPES.items()}


# The safetensors package is not part of PyTorch, and the format is a header and bytes.
def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        tensor = tensor.detach().float().cpu().contiguous()
        begin = len(data)
        data += tensor.numpy().tobytes()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class BatchNorm(nn.BatchNorm2d):
    """Without counting the batches, which nothing reads."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1, 1e-5)


class ConvNet(nn.Module):
    """Convolutions with rectifiers, and a fully connected layer."""

    def __init__(self, convolutions, features, bias):
        super().__init__()
        self.count = len(convolutions)
        for i, convolution in enumerate(convolutions, 1):
            setattr(self, f"conv{i}", convolution)
        self.fc = nn.Linear(features, 10, bias=bias)

    def forward(self, x):
        for i in range(1, self.count + 1):
            x = F.relu(getattr(self, f"conv{i}")(x), inplace=True)
        return self.fc(x.flatten(1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm(outputs)
        self.stride, self.extra = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if self.extra:  # option A
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(y.add_(x), inplace=True)


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = BatchNorm(16)
        inputs = 16
        for stage, width in enumerate((16, 32, 64), 1):
            blocks = []
            for i in range((depth - 2) // 6):
                blocks.append(Block(inputs, width, 2 if stage > 1 and i == 0 else 1))
                inputs = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def build(name):
    """For 32 x 32 x 3 images of ten classes, as bench/support/network.h."""
    kind, _, size = name.partition("-")
    if name == "convnet3-64s2":
        return ConvNet([nn.Conv2d(3, 64, 5, 2, 2, bias=False), nn.Conv2d(64, 64, 5, 2, 2, bias=False)], 4096, False)
    if kind == "convnet3":
        width = int(size)
        return ConvNet([nn.Conv2d(3, width, 5), nn.Conv2d(width, width, 5, bias=False)], width * 24 ** 2, False)
    if name == "convnet5-w":
        widths = (3, 32, 64, 64)
        halving = [nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(widths, widths[1:])]
        return ConvNet([*halving, nn.Conv2d(64, 128, 4)], 128, True)
    if kind.startswith("resnet"):
        return ResNet(int(kind[len("resnet"):]))
    raise ValueError(f"no network {name}")


def descent(parameters, lr, momentum):
    """SGD with momentum in as few kernels as this PyTorch has for it."""
    ways = [{"fused": True}, {"foreach": True}, {}] if DEVICE.type == "cuda" else [{"fused": True}, {}]
    for way in ways:
        try:
            return torch.optim.SGD(parameters, lr, momentum, **way)
        except (TypeError, RuntimeError):
            if not way:
                raise


class Network:
    """A network in training, its batch and its optimizer."""

    def __init__(self, network, x, labels, mode, precision, lr, momentum, state=None):
        self.mode, self.precision = MODES[mode], precision
        layout = torch.channels_last if self.mode.channels_last else torch.contiguous_format
        self.model = build(network)
        if state is not None:
            self.model.load_state_dict(state, strict=True)
        self.model.to(DEVICE, memory_format=layout)
        self.x = x.permute(0, 3, 1, 2).to(DEVICE).contiguous(memory_format=layout)
        self.labels = labels.to(DEVICE)
        self.optimizer = descent(list(self.model.parameters()), lr, momentum)
        self.forward = torch.compile(self.model) if self.mode.compiled else self.model
        self.captured = {}

    def autocast(self):
        # A weight is used once in a pass, so that there is nothing to cache.
        return torch.autocast(DEVICE.type, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False)

    def backward(self):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = F.cross_entropy(self.forward(self.x), self.labels)
        loss.backward()
        return loss.detach()

    def descend(self):
        loss = self.backward()
        self.optimizer.step()
        return loss

    def infer(self):
        self.model.eval()
        with torch.no_grad() if self.mode.compiled else torch.inference_mode(), self.autocast():
            return self.forward(self.x)

    def step(self):
        return self.replay(self.descend) if self.mode.graph else self.descend()

    def evaluate(self):
        return self.replay(self.infer) if self.mode.graph else self.infer()

    def replay(self, function):
        if function.__name__ not in self.captured:
            self.captured[function.__name__] = self.capture(function)
        graph, out = self.captured[function.__name__]
        graph.replay()
        return out

    def capture(self, function):
        """The function as a CUDA graph; parameters and statistics are afterwards what they were."""
        before = {name: value.clone() for name, value in self.model.state_dict().items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # algorithms are chosen, code is compiled, momentum gets its memory
                function()
        torch.cuda.current_stream().wait_stream(stream)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = function()
        self.model.load_state_dict(before)
        for state in self.optimizer.state.values():  # as before the first step
            state["momentum_buffer"].zero_()
        return graph, out

    def select_precision(self):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.precision == "tf32"


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def seconds_on_host(function, calls):
    """As host_clock (bench/support/timing.h)."""
    seconds, before = [], time.perf_counter()
    for _ in range(calls):
        function()
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    return statistics.median(seconds)


def seconds_on_device(function, calls):
    """As cuda_clock (bench/support/cuda_clock.h)."""
    calls = min(calls, 100)
    flush = torch.empty(256 << 20, dtype=torch.uint8, device=DEVICE)
    starts, ends = ([torch.cuda.Event(enable_timing=True) for _ in range(calls)] for _ in range(2))
    for start, end in zip(starts, ends):
        flush.zero_()
        start.record()
        function()
        end.record()
    wait()
    return 1e-3 * sum(start.elapsed_time(end) for start, end in zip(starts, ends)) / calls


class Peer:
    """What can be asked for: a method a request."""

    def __init__(self):
        self.networks = {}
        self.made = 0

    def make(self, network, state, batch, mode, precision, threads, lr, momentum):
        torch.set_num_threads(threads)
        of = read_safetensors(batch)
        self.made += 1
        self.networks[self.made] = Network(network, of["x"], of["labels"], mode, precision, lr, momentum,
                                           read_safetensors(state))
        return {"id": self.made}

    def drop(self, id):
        del self.networks[id]
        if DEVICE.type == "cuda":
            torch.cuda.empty_cache()
        return {}

    def use(self, id):
        network = self.networks[id]
        network.select_precision()
        return network

    def backward(self, id):
        return {"loss": self.use(id).backward().item()}

    def step(self, id):
        return {"loss": self.use(id).step().item()}

    def evaluate(self, id, file):
        write_safetensors(file, {"logits": self.use(id).evaluate()})
        return {}

    def gradients(self, id, file):
        write_safetensors(file, {name: p.grad for name, p in self.networks[id].model.named_parameters()})
        return {}

    def time(self, id, task, calls):
        network = self.use(id)
        function = network.step if task == "step" else network.evaluate
        return {"seconds": (seconds_on_device if DEVICE.type == "cuda" else seconds_on_host)(function, calls)}

    def peak(self, **of):
        """The most memory allocated in a step, with the network, its data and its optimizer."""
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        id = self.make(**of)["id"]
        network = self.use(id)
        for _ in range(2):
            network.step()
        torch.cuda.reset_peak_memory_stats()
        network.step()
        bytes = torch.cuda.max_memory_allocated() - before
        self.drop(id)
        return {"bytes": bytes}


def why_not(mode):
    """Why this mode does not work here; empty where it does."""
    if MODES[mode].compiled and not hasattr(torch, "compile"):
        return "torch.compile came with PyTorch 2"
    try:
        network = Network("convnet3-8", torch.rand(8, 32, 32, 3), torch.arange(8), mode, "f32", 1e-3, 0.9)
        network.select_precision()
        for _ in range(2):
            loss = network.step()
        network.evaluate()
        return "" if math.isfinite(loss.item()) else "the loss of a small network is not finite"
    except Exception as error:
        return first_line(error)


def introduction():
    version = torch.__version__
    if tuple(int(n) for n in version.split(".")[:2]) < OLDEST:
        return {"absent": f"PyTorch {version} is too old, before {'.'.join(map(str, OLDEST))}"}
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        return {"absent": f"PyTorch {version} finds no CUDA device"}
    if DEVICE.type == "cuda":
        torch.cuda.set_device(DEVICE.index or 0)
        version += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = False
    modes = [[mode, why_not(mode)] for mode in MODES if DEVICE.type == "cuda" or not MODES[mode].graph]
    if modes[0][1]:
        return {"absent": f"PyTorch {version} does not work: {modes[0][1]}"}
    return {"version": version, "modes": modes}


def main():
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        owe_answer()
        try:
            answer = getattr(peer, request.pop("do"))(**request)
        except Exception as error:
            answer = {"error": first_line(error)}
        say(answer)


try:
    DEVICE = torch.device(sys.argv[1])
    said = introduction()
except Exception as error:
    said = {"absent": first_line(error)}
say(said)
if "absent" not in said:
    main()
