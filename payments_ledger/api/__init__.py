"""The ledger's endpoints; core.urls mounts them."""
