"""The codes of vouchers."""

# Digits and letters that are not mistaken for one another, so that a code can be read aloud (Crockford's base 32).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARACTERS = 20


def canonical_code(code: str) -> str:
    """The code as it is kept, however a person typed it."""
    return code.strip().upper()
