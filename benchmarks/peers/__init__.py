"""Independent peers: other libraries' networks and loops on the benchmark's pairs, each in a process of its own."""

from benchmarks.peers.run import PEERS, Peer, run_peers

__all__ = ["PEERS", "Peer", "run_peers"]
