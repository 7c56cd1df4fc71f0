"""Trains small networks to give the scores of larger ones, on photos that nobody has scored."""
