"""Who decides: writer, director, critic; the LLM port and its prompts; the offline writer. Never imports torch."""
