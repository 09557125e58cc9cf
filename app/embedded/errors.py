class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be made, started, reached or stopped; the text says why."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(f"{reason}\n{log}" if log else reason)
        self.reason = reason
        self.log = log
