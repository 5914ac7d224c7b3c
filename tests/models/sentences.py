"""A VAE of sentences: an LSTM reads the words, another writes them from z, step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SentenceVAE(nn.Module):
    def __init__(
        self, features: int = 16, hidden: int = 64, latents: int = 16, vocabulary: int = 50
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(features, hidden)
        self.encoder_rnn = nn.LSTM(hidden, hidden, batch_first=True)
        self.decoder_rnn = nn.LSTM(hidden, hidden, batch_first=True)
        self.hidden2mean = nn.Linear(hidden, latents)
        self.hidden2logv = nn.Linear(hidden, latents)
        self.latent2hidden = nn.Linear(latents, hidden)
        self.outputs2vocab = nn.Linear(hidden, vocabulary)
        self.vocabulary = vocabulary

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        input_embedding = self.embedding(x)
        _, (hidden, _) = self.encoder_rnn(input_embedding)
        mean, logv = self.hidden2mean(hidden[-1]), self.hidden2logv(hidden[-1])
        std = torch.exp(0.5 * logv)
        z = torch.randn_like(mean) * std + mean
        start = self.latent2hidden(z).unsqueeze(0)
        outputs, _ = self.decoder_rnn(input_embedding, (start, torch.zeros_like(start)))
        logp = F.log_softmax(self.outputs2vocab(outputs), dim=-1)
        target = (x.sum(-1) * 7).long() % self.vocabulary
        nll_loss = F.nll_loss(logp.flatten(0, 1), target.flatten(), reduction="sum")
        kl_loss = -0.5 * torch.sum(1 + logv - mean.pow(2) - logv.exp())
        return {"loss": (nll_loss + kl_loss) / len(x), "nll": nll_loss, "kl": kl_loss}
