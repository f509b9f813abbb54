"""How many network calls, and when: closed forms for Gaussian data, and the planner built on them."""
