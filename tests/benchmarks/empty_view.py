"""The least a Flask application can do: the yardstick for what ours costs."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def nothing() -> str:
    return ""
