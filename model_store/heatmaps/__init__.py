"""Where the memorability of a photo comes from: attribution over the models, and pictures of it.

The way of a map: `explainers.SubjectSpec.of(store, subject).load()` brings a subject's networks onto the device; its
`explain(photos, method)` gives a `maps.PhotoMap` a photo, `measure_faithfulness` says how far to believe it, and
`rendering` draws it. One network alone goes through `explaining.explain`. Importing this package imports nothing heavy;
`subjects`, `methods`, `records`, `jobs` do without JAX, and so do `maps`, `frames`, `regions` and `rendering`.
"""
