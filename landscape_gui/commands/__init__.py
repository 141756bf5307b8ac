"""The commands: each file is one, with `add_flags(parser)` and `run(namespace) -> exit code`. Nothing heavy is imported here."""
