"""The boundary: frames, the untrusted worker, and the client that drives it."""
