"""Running a plan at the chair: what may be done, what happened, what is due, and what was really given."""
