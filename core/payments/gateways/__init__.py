"""How this house talks to payment providers: one Protocol, its adapters, and the registry of those configured."""
