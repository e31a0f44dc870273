"""What is shown: colours, figures, SVG, progress, the drawings of cell and graph. Nothing here knows an explorer."""
