"""The conversation with the centre. No Qt; everything that varies (transport, clock, chance) is passed in."""
