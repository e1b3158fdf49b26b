"""Hand-written fakes. Each passes the same contract suite as the adapter it stands for."""
