"""The critic's eyes for papercut: what they learn from, what they are asked, and how right they are."""
