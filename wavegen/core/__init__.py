"""What everything else stands on: types, errors, the registry, configurations, files."""
