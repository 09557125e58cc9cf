from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WorkerConfiguration:
    """What a worker must be told; `factory` fills it from the settings. Times in seconds."""

    database_url: str
    database_platform_url: str
    call_record_days: int = 90
    message_days: int = 180
    concurrency: int = 4
    heartbeat: float = 2.0
    stalled_after: float = 10.0
    roll_up_every: float = 3.0
    shutdown_grace: float = 20.0
