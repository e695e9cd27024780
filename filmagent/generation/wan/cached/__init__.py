"""StoryMem with memory that is read once a shot: clean, among itself alone, its keys and values kept for all steps."""
