def examples(*commands: str) -> str:
    """Return the end of a command's help: examples, a line each."""
    # click leaves a paragraph alone that starts with a backspace.
    return "\n  ".join(["\b\nExample:" if len(commands) == 1 else "\b\nExamples:", *commands])
