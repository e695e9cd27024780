"""What a shot takes in memory and time, and how it is made to fit."""
