"""How a shot is made. Never imports langgraph or openai."""
