"""Orders that another system sold: read from a file, classified, and booked into past days within an import batch."""
