"""How weights are made. Knows nothing of films, agents or graphs."""
