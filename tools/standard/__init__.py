"""Well-known network shapes with random weights, for benchmarks and tests."""
