"""filmagent: from a logline to a film. Importing this loads no torch."""
