"""The other side of `cargo xtask bench trainer`: PyTorch's DataLoader with Pillow, and the same training step, one JSON object a line.

    trainer.py PACK loader SIDE PHOTOS | step SIDE BATCH THREADS STATISTICS ROUNDS

Needs torch 2.11.0, pillow and numpy. What a careful user would write: channels last, fused kernels where torch offers them, no worker
processes (both sides are measured on one core), resizing straight from the crop's box.
"""

import csv
import io
import json
import os
import random
import sys
import time

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy
import torch
from PIL import Image, ImageEnhance
from torch import nn
from torch.nn import functional


class Photos(torch.utils.data.Dataset):
    """The train part of a pack: decode, random resized crop, flip, brightness, contrast, saturation."""

    def __init__(self, pack, side, photos):
        with open(os.path.join(pack, "index.csv"), newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] == "train"]
        random.seed(1)
        random.shuffle(rows)
        self.places = [(int(row["offset"]), int(row["length"])) for row in rows[:photos]]
        self.file = open(os.path.join(pack, "photos.bin"), "rb")
        self.side = side

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        offset, length = self.places[index]
        picture = Image.open(io.BytesIO(os.pread(self.file.fileno(), length, offset))).convert("RGB")
        width, height = picture.size
        area = random.uniform(0.45, 1.0)
        aspect = 1.25 ** random.uniform(-1, 1)
        across = min(1.0, (area * aspect) ** 0.5) * width
        down = min(1.0, (area / aspect) ** 0.5) * height
        left, top = random.uniform(0, width - across), random.uniform(0, height - down)
        box = (left, top, left + across, top + down)
        picture = picture.resize((self.side, self.side), Image.Resampling.BILINEAR, box=box)
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = change(picture).enhance(random.uniform(0.7, 1.3))
        return torch.from_numpy(numpy.array(picture))


def loader(pack, side, photos):
    torch.set_num_threads(1)
    begun = time.process_time()
    count = 0
    for batch in torch.utils.data.DataLoader(Photos(pack, side, photos), batch_size=64, num_workers=0):
        count += len(batch)
    milliseconds = (time.process_time() - begun) * 1e3 / count
    print(json.dumps({"bench": "loader", "ms_a_photo": milliseconds, "photos": count}))


class Convolution(nn.Sequential):
    """Convolution with TensorFlow's SAME padding, batch norm, and ReLU6 where it is wanted."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, active=True):
        self.same = stride == 2
        convolution = nn.Conv2d(
            inputs, outputs, kernel, stride, 0 if self.same else kernel // 2, groups=groups, bias=False
        )
        layers = [convolution, nn.BatchNorm2d(outputs)] + ([nn.ReLU6(inplace=True)] if active else [])
        super().__init__(*layers)

    def forward(self, x):
        if self.same:
            # Even sides: one row below and one column to the right.
            odd = x.shape[-1] % 2
            x = functional.pad(x, (odd, 1, odd, 1))
        return super().forward(x)


class Block(nn.Module):
    def __init__(self, expansion, inputs, outputs, stride):
        super().__init__()
        hidden = inputs * expansion
        layers = [Convolution(inputs, hidden, 1)] if expansion > 1 else []
        layers += [Convolution(hidden, hidden, 3, stride, hidden), Convolution(hidden, outputs, 1, active=False)]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


class Network(nn.Module):
    """MobileNetV2 1.0 with our three heads."""

    def __init__(self):
        super().__init__()
        layers, channels = [Convolution(3, 32, 3, 2)], 32
        rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        for expansion, outputs, repeats, first in rows:
            for repeat in range(repeats):
                layers.append(Block(expansion, channels, outputs, first if repeat == 0 else 1))
                channels = outputs
        self.features = nn.Sequential(*layers, Convolution(channels, 1280, 1))
        self.category14, self.category26 = nn.Linear(1280, 14), nn.Linear(1280, 26)
        self.embedding = nn.Linear(1280, 256)

    def forward(self, pictures_nhwc):
        x = (pictures_nhwc.permute(0, 3, 1, 2).float() - 128) / 127.5
        pooled = self.features(x).mean((2, 3))
        return self.category14(pooled), self.category26(pooled), functional.normalize(self.embedding(pooled))


def step(side, batch, threads, statistics, rounds):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network().to(memory_format=torch.channels_last)
    network.train(statistics != "running")
    parameters = list(network.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.03, fused=True)
    averages = [parameter.detach().clone() for parameter in parameters]
    pictures = torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8)
    labels14, labels26 = torch.randint(0, 14, (batch,)), torch.randint(0, 26, (batch,))
    samples = []
    for _ in range(rounds + 2):
        begun = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        logits14, logits26, _ = network(pictures)
        loss = functional.cross_entropy(logits14, labels14, label_smoothing=0.1)
        loss = loss + functional.cross_entropy(logits26, labels26, label_smoothing=0.1)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 20.0)
        optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, [parameter.detach() for parameter in parameters], 0.003)
        loss.item()
        samples.append((time.perf_counter() - begun) * 1e3)
    samples = sorted(samples[2:])
    print(json.dumps({"bench": "step", "min_ms": samples[0], "median_ms": samples[len(samples) // 2], "samples": samples}))


if __name__ == "__main__":
    pack, what, *numbers = sys.argv[1:]
    if what == "loader":
        loader(pack, *map(int, numbers))
    else:
        side, batch, threads, statistics, rounds = numbers
        step(int(side), int(batch), int(threads), statistics, int(rounds))
