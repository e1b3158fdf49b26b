"""Workloads that measure the application from outside, one JSON line per figure; imported by nothing."""
