"""PostgreSQL and Redis under our own launcher, for machines that have neither.

Both listen on Unix sockets only, outlive the process that started them and are found
again by the next one.
"""

from app.embedded.errors import EmbeddedServerError
from app.embedded.postgres import PostgresServer, delete_postgres, start_postgres
from app.embedded.redis_server import RedisServer, start_redis

__all__ = [
    "EmbeddedServerError",
    "PostgresServer",
    "RedisServer",
    "delete_postgres",
    "start_postgres",
    "start_redis",
]
