"""The options of each benchmark; a module is loaded with its heavy imports only when its benchmark runs."""
