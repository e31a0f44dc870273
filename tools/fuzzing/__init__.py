"""What tools/fuzz.py is made of: hostile values, a reference, a judge, and the cases of every public name."""
