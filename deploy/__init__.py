"""What runs Countinghouse: the local stack, the container files. No business logic."""
