"""What makes sampling faster than the plain loop: caches, joint guidance, few-step adapters, compiled blocks."""
