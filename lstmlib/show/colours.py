"""The colours of all pictures, told apart with any kind of colour vision. Never use colour alone.

They are those of Okabe & Ito (2008), "Color Universal Design", but for the purple, which is that of Paul Tol (2021).
"""

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#AA4499", "#56B4E9"
INK, GREY, FAINT, PAPER = "#1a1a1a", "#595959", "#d9d9d9", "#ffffff"
