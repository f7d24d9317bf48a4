"""From the exam as it came to skull-stripped volumes on one grid in atlas space."""
