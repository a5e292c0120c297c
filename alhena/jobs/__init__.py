"""What the subcommands of `alhena` do."""
