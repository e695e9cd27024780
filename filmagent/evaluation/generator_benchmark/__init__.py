"""How fast the Wan generator makes a shot on this machine, and what every shortcut costs in accuracy."""
