"""What a fault costs: commands that are killed at random moments, and disks that fill up."""
