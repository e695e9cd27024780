"""What a film remembers: the bank of keyframes and the policies that fill and read it."""
