"""The colours of all pictures, told apart with any kind of colour vision. Never use colour alone.

They are those of Okabe & Ito (2008), "Color Universal Design", but for the purple, which is that of Paul Tol (2021).
"""

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#AA4499", "#56B4E9"
DEEP = {  # for text and thin lines, which need more contrast than a filled shape
    ORANGE: "#8a5a00", GREEN: "#00704f", RED: "#a84800", PURPLE: "#8e3280", SKY: "#1f7bb8"}
INK, GREY, FAINT, PAPER = "#1a1a1a", "#595959", "#d9d9d9", "#ffffff"
