"""Questions asked of trained systems, each with tables of its own. Imports the other three rooms."""
