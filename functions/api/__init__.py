"""The HTTP API: batches of photos, their results and heatmaps, and the models behind them."""
