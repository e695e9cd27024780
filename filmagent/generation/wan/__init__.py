"""StoryMem on the Wan classes of diffusers."""
