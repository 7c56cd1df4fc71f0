"""The heatmap worker: takes jobs from the queue that all tenants share, and leaves heatmaps in bucket and table."""
