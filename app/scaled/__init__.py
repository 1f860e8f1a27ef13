"""What the scaling page shows: published models, the laws between them, and the learner's own model among them."""
