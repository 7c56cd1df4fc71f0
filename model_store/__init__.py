"""From pixels and a model reference to a memorability record; nothing here touches AWS or imports anything heavy."""
