"""What the heatmap page says of the heads of a model on the learner's text, and asks about them."""
