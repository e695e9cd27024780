"""The probe: reads who is in a papercut shot, what they look like and where it is; learned from rendered frames."""
