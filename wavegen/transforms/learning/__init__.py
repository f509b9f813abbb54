"""Learned transforms: orthonormal and biorthogonal bases, an auto-encoder, and how a basis is fitted to images."""
