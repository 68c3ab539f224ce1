"""Pages for the council's own people: managers and operators, who have signed in."""
