"""Short programs to copy. Each runs in the tests."""
