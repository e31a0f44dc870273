"""The bug clinic of notebook 08: patients, and the instruments that examine them from outside."""
