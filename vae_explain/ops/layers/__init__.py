"""Layers of networks: convolutions, pools, normalizations, embeddings, attention."""
