"""Where the memorability of a photo comes from: attribution over the models, and pictures of it."""
