"""Train a bag of words on forty short opinions; write its weights and its vocabulary."""

import itertools

import torch
from model import Mood

THINGS = ("film", "book", "soup", "hotel", "song")
WORDS = {
    "pleased": ("I love this {}", "a wonderful {}", "what a great {}", "the {} was good and I'd come again"),
    "cross": ("I hate this {}", "an awful {}", "what a bad {}", "the {} was boring and I won't come again"),
}

texts, labels = [], []
for (label, sentences), thing in itertools.product(enumerate(WORDS.values()), THINGS):
    for sentence in sentences:
        plain = sentence.format(thing).lower().replace("i'd", "i would").replace("won't", "will not")
        texts.append(plain.split())
        labels.append(label)

words = sorted({word for text in texts for word in text})
vocabulary = {"<unk>": 0} | {word: number for number, word in enumerate(words, 1)}
torch.manual_seed(0)
model = Mood(len(vocabulary))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(40):
    ids = [torch.tensor([vocabulary[word] for word in text]) for text in texts]
    offsets = torch.tensor([0, *itertools.accumulate(len(row) for row in ids[:-1])])
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(torch.cat(ids), offsets), torch.tensor(labels)).backward()
    optimizer.step()
torch.save(model.state_dict(), "mood.pth")
torch.save(vocabulary, "source_vocab.pt")
