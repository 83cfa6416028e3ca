"""Where indexes are kept: the contract of a store, and those that keep it."""
