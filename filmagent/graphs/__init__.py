"""When it happens: state, nodes, gates, routes, and the durable runner."""
