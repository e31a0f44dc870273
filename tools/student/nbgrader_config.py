# Settings of nbgrader for this course; docs/nbgrader.md of the project says how to use them.
c = get_config()  # noqa: F821

# An answer cell holds its stub, and under it the marked solution: without the solution it is complete.
c.ClearSolutions.code_stub = {"python": ""}
# The longest cell trains for about ten seconds.
c.Execute.timeout = 120
