"""Real trained models: what can be chosen, one safe way in, and facts about them."""
