"""Transformers with random weights: a ViT-B/32 image encoder, a BERT-base text classifier."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x, mask=None):
        split = lambda y: y.reshape(y.shape[0], -1, self.heads, self.size).transpose(1, 2)
        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = query @ key.transpose(-1, -2) * self.size ** -0.5
        if mask is not None:
            scores = scores + mask
        mixed = (scores.softmax(-1) @ value).transpose(1, 2)
        return self.out(mixed.reshape(mixed.shape[0], -1, self.heads * self.size))


class Layer(nn.Module):
    """One encoder layer; ViT normalises before each half, BERT after."""

    def __init__(self, width, heads, norm_first):
        super().__init__()
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm_first = norm_first

    def forward(self, x, mask=None):
        if self.norm_first:
            x = x + self.attention(self.norm1(x), mask)
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.mlp(x))


class VisionEncoder(nn.Module):
    """ViT-B/32 at 224: 49 patches and a class token to a vector of 512."""

    def __init__(self, width=768, heads=12, layers=12, patch=32, side=224, output=512):
        super().__init__()
        tokens = (side // patch) ** 2 + 1
        self.patches = nn.Conv2d(3, width, patch, patch, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.layers = nn.ModuleList(Layer(width, heads, True) for _ in range(layers))
        self.project = nn.Linear(width, output, bias=False)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = self.norm_in(x + self.position)
        for layer in self.layers:
            x = layer(x)
        return self.project(self.norm_out(x[:, 0]))


class TextClassifier(nn.Module):
    """BERT-base with its pooler and a two-class head."""

    def __init__(self, vocabulary=30522, width=768, heads=12, layers=12, longest=512, classes=2):
        super().__init__()
        self.words, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(Layer(width, heads, False) for _ in range(layers))
        self.pooler, self.classify = nn.Linear(width, width), nn.Linear(width, classes)

    def forward(self, input_ids, attention_mask):
        places = torch.arange(input_ids.shape[1])
        x = self.norm(self.words(input_ids) + self.positions(places))
        mask = (1.0 - attention_mask[:, None, None, :].float()) * -10000.0
        for layer in self.layers:
            x = layer(x, mask)
        return self.classify(torch.tanh(self.pooler(x[:, 0])))
