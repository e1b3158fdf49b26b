"""What providers pay out against what the ledger says they owe us; every break is kept until it is resolved."""
