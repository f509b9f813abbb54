"""What is run: systems, data, rows of the table, grids, recipes; where results lie. Imports no other room."""
