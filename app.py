"""The service for a WSGI server: `gunicorn -c config/gunicorn.conf.py app:app`, or `registry serve`."""

from registry.logs import configure_logs
from registry.web import create_app

configure_logs()
app = create_app()
